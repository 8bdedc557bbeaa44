import { LodelineError, type Logger, toLodelineError } from "@lodeline/base";
import type { HubConnection, HubSocket } from "@lodeline/hub";
import { CLOSE_CODES, LIMITS } from "@lodeline/protocol";
import type { RawData, WebSocket } from "ws";

/** How long a closed socket waits for the other side's close frame before it is dropped. */
export const CLOSE_TIMEOUT_MS = 1_000;
/** A close frame carries at most 125 bytes, two of them the code (RFC 6455 section 5.5). */
const CLOSE_REASON_BYTES = 123;

/** What a bound socket needs. */
export interface BindOptions {
  readonly logger: Logger;
  /** The peer's address, redacted. */
  readonly from: string;
  connect(socket: HubSocket): HubConnection;
}

/**
 * Binds a WebSocket to the hub: text goes in, text comes out, size and backlog are guarded.
 *
 * @returns The hub's end, so that the gateway can refuse at once.
 */
export function bindSocket(socket: WebSocket, options: BindOptions): HubConnection {
  const { logger, from } = options;
  let slow = false;
  const connection = options.connect({
    send: (text) => {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(text);
      if (slow || socket.bufferedAmount <= LIMITS.socketBacklogBytes) return;
      slow = true;
      // Told in a turn of its own: the hub is in the middle of sending.
      setImmediate(() => guard(() => connection.refuse(new LodelineError("link/slow-consumer"))));
    },
    close: (code, reason) => {
      socket.close(code, fitReason(reason));
      // A slow reader would not read the close frame either, before everything it owes.
      if (code === CLOSE_CODES.slowConsumer) setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS).unref();
    },
  });

  // A fault in the hub costs the socket that met it, never the process and nobody else's link.
  const guard = (act: () => void) => {
    try {
      act();
    } catch (thrown) {
      logger.error("link input failed", { from, error: String(thrown instanceof Error ? thrown.stack : thrown) });
      socket.close(CLOSE_CODES.internal, toLodelineError(thrown).code);
    }
  };
  socket.on("message", (data: RawData, isBinary: boolean) => {
    guard(() => {
      const refusal = unreadable(data, isBinary);
      if (refusal) connection.refuse(refusal);
      else connection.text(data.toString());
    });
  });
  socket.on("error", (error) => logger.debug("socket error", { from, error: error.message }));
  socket.on("close", (code) => guard(() => connection.closed(code)));
  logger.debug("socket opened", { from });
  return connection;
}

function unreadable(data: RawData, isBinary: boolean): LodelineError | undefined {
  if (isBinary) {
    return new LodelineError("protocol/malformed", { field: "frame", detail: "Frames are text, not binary." });
  }
  const sizeBytes = Array.isArray(data) ? 0 : data.byteLength;
  if (sizeBytes <= LIMITS.frameBytes) return undefined;
  const detail = `A frame has at most ${LIMITS.frameBytes} bytes; this one has ${sizeBytes}.`;
  return new LodelineError("protocol/too-large", { field: "frame", detail });
}

function fitReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= CLOSE_REASON_BYTES) return reason;
  // A cut in the middle of a sign would make the frame invalid: what cannot be decoded at the end is dropped.
  return new TextDecoder().decode(bytes.subarray(0, CLOSE_REASON_BYTES), { stream: true });
}
