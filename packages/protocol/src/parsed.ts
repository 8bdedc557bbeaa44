import { type ErrorCode, LodelineError } from "@lodeline/base";
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

/** A text that was not read. */
export type Refused = Extract<Parsed<never>, { ok: false }>;

/** The value of a text within the limit. Never throws. */
export function readJson(text: string, limit: number): Parsed<unknown> {
  if (text.length > limit) return refuse("protocol/too-large", "frame", undefined);
  try {
    return { ok: true, frame: JSON.parse(text) as unknown };
  } catch (cause) {
    return { ...refuse("protocol/malformed", "frame", undefined), error: notJson(cause) };
  }
}

/** Says why a value is no frame, with its number and command where they can be read. */
export function refuse(code: ErrorCode, field: string, value: unknown, why = ""): Refused {
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

function notJson(cause: unknown): LodelineError {
  return new LodelineError("protocol/malformed", { detail: "The frame is not JSON.", field: "frame", cause });
}

function detailOf(code: ErrorCode, field: string, why: string): string {
  const at = field.slice(0, 256);
  if (code === "protocol/too-large") return `\`${at}\` is larger than allowed.`;
  if (code === "protocol/unknown-type") return `\`${at}\` names no message of this protocol.`;
  return `\`${at}\` does not fit the schema${why && why !== "Invalid input" ? `: ${why}` : ""}.`;
}
