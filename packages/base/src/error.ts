import { ERROR_CODES, type ErrorCode, type Retry } from "./error-codes.ts";

/** Particulars of a {@link LodelineError}. */
export interface LodelineErrorOptions {
  /** What happened here, in one sentence; by default the code's summary. Safe to show and to send. */
  readonly detail?: string | undefined;
  /** Which part of the input is at fault: a path like `offer.sdp`, or `sdp:12` for a line. */
  readonly field?: string | undefined;
  /** What caused it. For the log only, never sent to a peer. */
  readonly cause?: unknown;
}

/** The one error class that crosses packages. Its code says what may be done; its message begins with the code. */
export class LodelineError extends Error {
  override readonly name = "LodelineError";
  /** What went wrong, from the closed list. */
  readonly code: ErrorCode;
  /** The message without the code. */
  readonly detail: string;
  /** The part of the input at fault, where there is one. */
  readonly field: string | undefined;

  constructor(code: ErrorCode, options: LodelineErrorOptions = {}) {
    const detail = options.detail ?? ERROR_CODES[code].summary;
    super(`[${code}] ${detail}`, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.field = options.field;
  }

  /** What the receiver may sensibly do next. */
  get retry(): Retry {
    return ERROR_CODES[this.code].retry;
  }
}

/** Whatever was thrown, as a {@link LodelineError}: itself when it is one, else `code` with it as the cause. */
export function toLodelineError(thrown: unknown, code: ErrorCode = "server/internal"): LodelineError {
  return thrown instanceof LodelineError ? thrown : new LodelineError(code, { cause: thrown });
}
