import { type ErrorCode, LodelineError } from "@lodeline/base";
import type { EndReason, ServerMessage, Signal, SignalBody } from "@lodeline/protocol";
import { errorMessage } from "@lodeline/signaling";
import type { LinkHost } from "./link-host.ts";

/** What a link has said, as the other end of its call reads it. */
export function passed(from: LinkHost, signal: Signal): ServerMessage {
  const { identity, name } = from.authorization;
  return { type: "signal", scope: "call", from: identity, name, signal };
}

/** What the server says in the name of `from`. Number 0: it stands outside that end's own count. */
export function said(from: string, session: string, body: SignalBody): ServerMessage {
  return { type: "signal", scope: "call", from, signal: { session, epoch: 0, seq: 0, body } };
}

/** The end of a call, to be said in somebody's name. */
export function hangup(reason: EndReason): SignalBody {
  return { kind: "hangup", reason };
}

/** Why a call may not be made, with the field of the message at fault. */
export function denied(code: ErrorCode, detail?: string): LodelineError {
  return new LodelineError(code, { detail, field: code === "protocol/out-of-turn" ? "signal.session" : "to" });
}

/** Tells a caller why its call is refused, and ends it. */
export function refuse(host: LinkHost, to: string, session: string, error: LodelineError): void {
  host.deliver(errorMessage(error));
  host.deliver(said(to, session, { kind: "reject", reason: "refused" }));
}

/** A receipt too: who still counts what comes in a call believes in it. */
const ASKING: ReadonlySet<string> = new Set(["accept", "offer", "negotiation-needed", "receipt", "replay-request"]);

/** What asks for an answer in a session nobody knows gets the answer that it is over; the rest is merely late. */
export function answerUnknown(host: LinkHost, from: string, { session, body }: Signal): void {
  if (ASKING.has(body.kind)) host.deliver(said(from, session, hangup("remote-gone")));
}
