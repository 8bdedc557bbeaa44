import type { Encodings, Source } from "@lodeline/protocol";

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

/**
 * A camera's only encoding towards a server: the whole picture, whichever RID it goes on under. Three fifths of what all may
 * take: the smaller ones do not always use their part, and one is to cost at least three tenths less than all.
 */
const SOLE = { scaleResolutionDownBy: 1, maxBitrate: 1_400_000 };

/**
 * Changes what a camera's sender is to send, for `setParameters`: all its encodings, or one. The one is sent in full size
 * under the RID that receivers have now, so that the change reaches them as a key frame in the stream they decode.
 *
 * @returns Whether anything was changed. Not when the camera has one encoding anyhow, or the RID is none of its own.
 */
export function applyEncodings(parameters: Pick<RTCRtpSendParameters, "encodings">, wanted?: Encodings): boolean {
  const { encodings } = parameters;
  if (encodings.length < 2) return false;
  const sole = wanted?.send === "one" ? (wanted.keep ?? encodings.at(-1)?.rid) : undefined;
  if (sole !== undefined && !encodings.some(({ rid }) => rid === sole)) return false;
  const before = JSON.stringify(encodings);
  for (const encoding of encodings) {
    const usual = SIMULCAST.find(({ rid }) => rid === encoding.rid);
    const isSole = encoding.rid === sole;
    Object.assign(encoding, isSole ? SOLE : usual, { active: sole === undefined || isSole });
  }
  return JSON.stringify(encodings) !== before;
}
