import { LodelineError } from "@lodeline/base";
import type { Offer } from "@lodeline/protocol";
import type { SessionConnection } from "./session-connection.ts";

/**
 * Makes an offer and sets it. Gathering is not waited for: candidates follow by themselves.
 *
 * @throws LodelineError `sdp/unusable`.
 */
export async function makeOffer(connection: SessionConnection, epoch: number, iceRestart: boolean): Promise<Offer> {
  const description = await connection.connection.createOffer({ iceRestart });
  const sdp = description.sdp ?? "";
  connection.epochs.begin(epoch, sdp);
  await connection.connection.setLocalDescription(description);
  return { sdp, sends: connection.sections.sends(), receives: connection.sections.receives() };
}

/**
 * Sets an offer, puts this end's tracks on the sections that carry the same sources, makes the answer and sets it.
 *
 * @throws LodelineError `sdp/unusable`.
 */
export async function answerTo(connection: SessionConnection, epoch: number, offer: Offer): Promise<string> {
  const pc = connection.connection;
  await usable(pc.setRemoteDescription({ type: "offer", sdp: offer.sdp }));
  connection.sections.adopt(offer);
  await connection.attachAll();
  const description = await pc.createAnswer();
  const sdp = description.sdp ?? "";
  connection.epochs.begin(epoch, sdp);
  await pc.setLocalDescription(description);
  return sdp;
}

/** Sets an answer. @throws LodelineError `sdp/unusable`. */
export async function applyAnswer(connection: SessionConnection, sdp: string): Promise<void> {
  await usable(connection.connection.setRemoteDescription({ type: "answer", sdp }));
}

async function usable(setting: Promise<void>): Promise<void> {
  try {
    await setting;
  } catch (thrown) {
    // RTCError names the line for an sdp-syntax-error (W3C webrtc section 11.2); other failures name none.
    const { message, sdpLineNumber: line } = thrown as { message?: string; sdpLineNumber?: number | null };
    // Not asked whether it is an Error: one that comes from a frame's connection is none of this page's.
    const detail = message?.slice(0, 300);
    throw new LodelineError("sdp/unusable", { detail, field: line ? `sdp:${line}` : "sdp", cause: thrown });
  }
}
