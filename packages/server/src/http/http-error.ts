import { type ErrorCode, LodelineError, toLodelineError } from "@lodeline/base";

/** The body of every HTTP answer that is an error. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly reason: string; readonly field?: string };
}

/** The HTTP status that says the same as an error code. */
export function statusOf(code: ErrorCode): number {
  if (code === "auth/forbidden" || code === "auth/room-denied" || code === "auth/origin") return 403;
  if (code.startsWith("auth/")) return 401;
  if (code === "room/unknown" || code === "room/unknown-participant" || code === "http/not-found") return 404;
  if (code === "room/exists") return 409;
  if (code === "protocol/too-large") return 413;
  if (code === "protocol/rate-limited") return 429;
  if (code === "server/draining") return 503;
  if (code === "server/internal") return 500;
  return 400;
}

/** The body that tells of an error. Its cause stays here. */
export function bodyOf(error: LodelineError): ErrorBody {
  const field = error.field === undefined ? {} : { field: error.field };
  return { error: { code: error.code, reason: error.detail, ...field } };
}

interface FastifyFault {
  readonly statusCode?: number;
  readonly message?: string;
  readonly validation?: readonly { readonly instancePath?: string; readonly params?: Record<string, unknown> }[];
}

/** Whatever a route or fastify itself threw, as the one error class: its own faults of 400 .. 499 are the client's. */
export function translateHttpError(thrown: unknown): LodelineError {
  if (thrown instanceof LodelineError) return thrown;
  const fault = thrown as FastifyFault;
  const statusCode = fault?.statusCode ?? 500;
  if (statusCode === 413) return new LodelineError("protocol/too-large", { field: "body" });
  if (statusCode >= 500) return toLodelineError(thrown);
  const first = fault.validation?.[0];
  const extra = first?.params?.additionalProperty ?? first?.params?.missingProperty;
  const path = `${first?.instancePath ?? ""}${extra === undefined ? "" : `/${String(extra)}`}`;
  const field = path.replace(/^\//, "").replaceAll("/", ".") || "body";
  return new LodelineError("protocol/malformed", {
    field,
    detail: `\`${field}\` does not fit: ${fault.message ?? "?"}.`,
  });
}
