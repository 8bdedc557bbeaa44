import type { Source } from "@lodeline/protocol";

/**
 * The three encodings of a camera in an sfu room. Smallest first: browsers give up the last one first when bandwidth or
 * the camera's size does not allow all (Chromium sends no third layer below 960x540).
 */
const SIMULCAST: readonly RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
];

const ALONE: Record<Source, RTCRtpEncodingParameters> = {
  microphone: { maxBitrate: 40_000 },
  camera: { maxBitrate: 1_700_000 },
  // Letters need their bits at once when a page is turned; between that a still screen costs next to nothing.
  screen: { maxBitrate: 2_500_000 },
  "screen-audio": { maxBitrate: 128_000 },
};

/** What is sent of a source: simulcast for a camera where a server chooses the layer, one encoding anywhere else. */
export function encodingsFor(source: Source, simulcast: boolean): RTCRtpEncodingParameters[] {
  if (source === "camera" && simulcast) return SIMULCAST.map((encoding) => ({ ...encoding }));
  return [{ ...ALONE[source] }];
}
