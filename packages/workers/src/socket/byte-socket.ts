import { connect, type Socket } from "node:net";
import type { MediaAddress } from "./media-address.ts";

/** A stream of bytes both ways: a socket, or a test's. */
export interface ByteSocket {
  /** Bytes written that the system has not taken yet. */
  readonly waitingBytes: number;
  write(bytes: Uint8Array): void;
  /** Sets who takes what comes. Called once, before anything comes. */
  listen(listener: { bytes(bytes: Uint8Array): void; closed(why: string): void }): void;
  /** Ends it, after what was written where the other end takes it at once. `closed` is not told then. */
  close(): void;
}

/** A socket of Node's as a {@link ByteSocket}. */
export function netSocket(socket: Socket): ByteSocket {
  socket.setNoDelay(true);
  let closed = false;
  return {
    get waitingBytes() {
      return socket.writableLength;
    },
    write: (bytes) => {
      if (!socket.destroyed) socket.write(bytes);
    },
    listen: (listener) => {
      let why = "the other end closed the connection";
      socket.on("data", (bytes: Buffer) => {
        if (!closed) listener.bytes(bytes);
      });
      // Errors come also after it was let go of, and must not become uncaught.
      socket.on("error", (error: NodeJS.ErrnoException) => (why = error.code ?? error.message));
      socket.on("close", () => {
        if (!closed) listener.closed(why);
      });
    },
    close: () => {
      closed = true;
      socket.destroySoon();
    },
  };
}

/** Begins to connect. What fails is told as the end of the socket. */
export function connectSocket(address: MediaAddress): ByteSocket {
  return netSocket(address.kind === "unix" ? connect({ path: address.path }) : connect(address));
}
