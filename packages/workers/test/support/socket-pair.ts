import type { ByteSocket } from "../../src/socket/byte-socket.ts";

/** One end of a {@link socketPair}. */
export interface TestSocket extends ByteSocket {
  /** What has been written here so far. */
  readonly written: Buffer[];
  /** What the system is said not to have taken. */
  waitingBytes: number;
  /** Whether this end was closed. */
  readonly closed: boolean;
}

interface End extends TestSocket {
  closed: boolean;
  listener: Parameters<ByteSocket["listen"]>[0] | undefined;
}

/** Two sockets joined in memory: bytes arrive a turn later, in pieces of at most `pieceBytes`. */
export function socketPair(pieceBytes = Number.POSITIVE_INFINITY): readonly [TestSocket, TestSocket] {
  const make = (other: () => End): End => ({
    written: [],
    waitingBytes: 0,
    closed: false,
    listener: undefined,
    write(bytes) {
      if (this.closed) return;
      this.written.push(Buffer.from(bytes));
      for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
        const piece = Buffer.from(bytes.subarray(at, Math.min(at + pieceBytes, bytes.byteLength)));
        queueMicrotask(() => {
          if (!other().closed) other().listener?.bytes(piece);
        });
      }
    },
    listen(listener) {
      this.listener = listener;
    },
    close() {
      if (this.closed) return;
      this.closed = true;
      queueMicrotask(() => {
        if (!other().closed) other().listener?.closed("the other end closed the connection");
      });
    },
  });
  const one: End = make(() => two);
  const two: End = make(() => one);
  return [one, two];
}
