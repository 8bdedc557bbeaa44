import { isErrorCode, LodelineError, toLodelineError } from "@lodeline/base";
import type { PlainError } from "./messages.ts";

/** Whatever was thrown, as data. Its cause stays where it was. */
export function toPlainError(thrown: unknown): PlainError {
  const { code, detail, field } = toLodelineError(thrown);
  return { code, detail, field };
}

/** The error that data says. An unknown code, of a newer peer, is `server/internal`. */
export function fromPlainError({ code, detail, field }: PlainError): LodelineError {
  return new LodelineError(isErrorCode(code) ? code : "server/internal", { detail, field });
}
