import { type ErrorCode, LodelineError } from "@lodeline/base";
import * as z from "zod/mini";
import { type ClientFrame, clientFrame, type ServerFrame, serverFrame } from "./frames.ts";
import { LIMITS } from "./limits.ts";

/** A frame, or why the text is none. `seq` is there when the number could be read although the message could not. */
export type Parsed<F> =
  | { readonly ok: true; readonly frame: F }
  | {
      readonly ok: false;
      readonly error: LodelineError;
      readonly seq: number | undefined;
      readonly id: string | undefined;
    };

/** Reads a frame that a client sent. Never throws. */
export function parseClientFrame(text: string): Parsed<ClientFrame> {
  return parse(clientFrame, text, LIMITS.frameBytes);
}

/** Reads a frame that a server sent. Never throws. */
export function parseServerFrame(text: string): Parsed<ServerFrame> {
  return parse(serverFrame, text, LIMITS.serverFrameLength);
}

function parse<F>(schema: z.ZodMiniType<F>, text: string, limit: number): Parsed<F> {
  if (text.length > limit) return refuse("protocol/too-large", "frame", undefined);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { ...refuse("protocol/malformed", "frame", undefined), error: notJson(cause) };
  }
  const result = z.safeParse(schema, value);
  if (result.success) return { ok: true, frame: result.data };
  const issue = result.error.issues[0];
  return refuse(codeOf(issue), pathOf(issue), value, issue?.message);
}

function notJson(cause: unknown): LodelineError {
  return new LodelineError("protocol/malformed", { detail: "The frame is not JSON.", field: "frame", cause });
}

type Issue = z.core.$ZodIssue;

function codeOf(issue: Issue | undefined): ErrorCode {
  if (issue?.code === "too_big") return "protocol/too-large";
  if (issue?.code === "invalid_union" && issue.path.at(-1) !== undefined) return "protocol/unknown-type";
  return "protocol/malformed";
}

function pathOf(issue: Issue | undefined): string {
  if (!issue) return "frame";
  const path = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
  return path.map(String).join(".") || "frame";
}

function refuse(code: ErrorCode, field: string, value: unknown, why = ""): Extract<Parsed<never>, { ok: false }> {
  const frame = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const message =
    typeof frame.message === "object" && frame.message !== null ? (frame.message as Record<string, unknown>) : {};
  return {
    ok: false,
    error: new LodelineError(code, { field: field.slice(0, 256), detail: detailOf(code, field, why) }),
    seq: Number.isSafeInteger(frame.seq) && (frame.seq as number) > 0 ? (frame.seq as number) : undefined,
    id: typeof message.id === "string" && message.id.length <= LIMITS.idLength ? message.id : undefined,
  };
}

function detailOf(code: ErrorCode, field: string, why: string): string {
  const at = field.slice(0, 256);
  if (code === "protocol/too-large") return `\`${at}\` is larger than allowed.`;
  if (code === "protocol/unknown-type") return `\`${at}\` names no message of this protocol.`;
  return `\`${at}\` does not fit the schema${why && why !== "Invalid input" ? `: ${why}` : ""}.`;
}
