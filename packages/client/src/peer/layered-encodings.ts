import type { ScalabilityMode } from "../api/room-api.ts";
import type { LayeredEncoding } from "../devices/own-source.ts";
import { preferredCodecs } from "./codecs.ts";

/** As the largest of a simulcast camera. */
const MOST_BPS = 1_700_000;

/** The modes of W3C webrtc-svc (section 6) that have several sizes, each referring to the one below. */
const MODES = /^L[23]T[1-3](_KEY)?$/;

/**
 * How a camera is sent in layers inside one stream of VP9.
 *
 * @param encrypted - End to end, which only VP8 is: ADR 19.
 * @returns For `addTransceiver`; `undefined` where simulcast is what there is.
 * @throws TypeError for what is no mode.
 */
export function layeredEncodings(scalabilityMode: ScalabilityMode, encrypted: boolean): LayeredEncoding[] | undefined {
  if (!MODES.test(scalabilityMode))
    throw new TypeError(`scalabilityMode: ${JSON.stringify(scalabilityMode)} is not one of L2T1 .. L3T3_KEY`);
  if (encrypted) return undefined;
  const codecs = preferredCodecs("video", RTCRtpSender.getCapabilities("video")?.codecs ?? []);
  const codec = codecs.find(({ mimeType }) => mimeType.toLowerCase() === "video/vp9");
  const encodings = codec && [{ scalabilityMode, maxBitrate: MOST_BPS, codec }];
  return encodings && accepts(encodings) ? encodings : undefined;
}

/** Who does not know a member leaves it out, and who has no such encoder throws. W3C webrtc-svc section 4.2. */
function accepts(encodings: readonly LayeredEncoding[]): boolean {
  const connection = new RTCPeerConnection();
  try {
    const { sender } = connection.addTransceiver("video", { sendEncodings: [...encodings] });
    const [got] = sender.getParameters().encodings as LayeredEncoding[];
    return got?.scalabilityMode === encodings[0]?.scalabilityMode && got?.codec !== undefined;
  } catch {
    return false;
  } finally {
    connection.close();
  }
}
