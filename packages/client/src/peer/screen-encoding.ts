import type { Slots } from "@lodeline/protocol";
import type { SessionConnection } from "./session-connection.ts";

/** A member of WebRTC (W3C, section 5.2) that the DOM's types lack. */
type ScreenEncoding = RTCRtpEncodingParameters & { codec?: RTCRtpCodec };

/** What of a connection {@link encodeScreen} needs. */
export type ScreenSender = Pick<SessionConnection, "sections" | "media">;

/**
 * Sends a screen's text in a codec, or as negotiated again. Nothing is negotiated; its next frame is a key frame. A browser
 * that does not know how, or has no encoder for it, goes on as before.
 */
export async function encodeScreen({ sections, media }: ScreenSender, codec: Slots["screen"]): Promise<void> {
  const sender = sections.sender("screen");
  const parameters = sender?.getParameters();
  const { track } = media.sources.screen;
  if (!sender || !parameters || !applyCodec(parameters, codec, track?.contentHint)) return;
  await sender.setParameters(parameters);
}

/**
 * Changes what a screen's sender is to send, for `setParameters`.
 *
 * @param contentHint - Of the captured track: only text is worth another codec.
 * @returns Whether anything was changed.
 */
export function applyCodec(
  { encodings, codecs }: Pick<RTCRtpSendParameters, "encodings" | "codecs">,
  codec: Slots["screen"],
  contentHint: string | undefined,
): boolean {
  const encoding = encodings[0] as ScreenEncoding | undefined;
  const isText = contentHint === "text" || contentHint === "detail";
  const wanted = isText ? codecs.find(({ mimeType }) => mimeType.toLowerCase() === `video/${codec}`) : undefined;
  if (!encoding || wanted?.mimeType === encoding.codec?.mimeType) return false;
  // Taken out rather than undefined, which some browsers take for a value.
  delete encoding.codec;
  if (wanted) encoding.codec = wanted;
  return true;
}
