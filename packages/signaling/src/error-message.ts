import type { LodelineError } from "@lodeline/base";
import { LIMITS, type ServerMessage } from "@lodeline/protocol";

/** An error as a message to a client: code, reason and field, never the cause. */
export function errorMessage(error: LodelineError, id?: string | undefined): Extract<ServerMessage, { type: "error" }> {
  return {
    type: "error",
    ...(id === undefined ? {} : { id }),
    code: error.code,
    reason: error.detail.slice(0, LIMITS.textLength),
    ...(error.field === undefined ? {} : { field: error.field.slice(0, LIMITS.textLength) }),
  };
}
