import { isErrorCode, LodelineError } from "@lodeline/base";
import { type Fatal, type Hello, LIMITS, PROTOCOL_VERSION, parseClientFrame, type Welcome } from "@lodeline/protocol";
import type { LinkCredentials, ServerLinkOptions } from "./link-types.ts";

/** A hello, or why the first text of a socket is none; the error is to be said by {@link fatalText}. */
export type HelloRead =
  | { readonly ok: true; readonly hello: Hello /** The version both speak. */; readonly version: number }
  | { readonly ok: false; readonly error: LodelineError };

/** Reads the first text of a socket, which has to be a hello in a version this server speaks. Never throws. */
export function readHello(text: string): HelloRead {
  const parsed = parseClientFrame(text);
  if (!parsed.ok) return { ok: false, error: parsed.error };
  const { frame } = parsed;
  if (frame.kind !== "hello") {
    const detail = "The first frame of a socket has to be a hello.";
    return { ok: false, error: new LodelineError("protocol/out-of-turn", { detail, field: "kind" }) };
  }
  return { ok: true, hello: frame, version: Math.min(frame.version, PROTOCOL_VERSION) };
}

/** The frame that refuses a hello or announces a close: code, reason and field, never the cause. */
export function fatalText(error: LodelineError): string {
  const frame: Fatal = {
    kind: "fatal",
    code: error.code,
    reason: error.detail.slice(0, LIMITS.textLength),
    ...(error.field === undefined ? {} : { field: error.field.slice(0, LIMITS.textLength) }),
  };
  return JSON.stringify(frame);
}

/** A hello: who it is, and what it resumes or opens. */
export function helloText(credentials: LinkCredentials, proof: Pick<Hello, "resume"> | Pick<Hello, "opening">): string {
  const { token, name } = credentials;
  const hello: Hello = {
    kind: "hello",
    version: PROTOCOL_VERSION,
    name,
    ...(token === undefined ? {} : { token }),
    ...proof,
  };
  return JSON.stringify(hello);
}

/** What a `fatal` frame says, as an error. A code that this version does not know counts as a fault of the server. */
export function errorOfFatal({ code, reason, field }: Fatal): LodelineError {
  return new LodelineError(isErrorCode(code) ? code : "server/internal", { detail: reason, field });
}

/** The answer to a hello: which link it is, what resumes it, and the waits of the server. */
export function welcomeText(
  { id, identity, timers }: ServerLinkOptions,
  present: Pick<Welcome, "version" | "secret" | "epoch" | "resumed" | "received">,
): string {
  const welcome: Welcome = {
    kind: "welcome",
    ...present,
    version: Math.min(present.version, PROTOCOL_VERSION),
    link: id,
    identity,
    heartbeatMs: timers.heartbeatMs,
    lostMs: timers.linkLostMs,
    resumeWindowMs: timers.resumeWindowMs,
  };
  return JSON.stringify(welcome);
}
