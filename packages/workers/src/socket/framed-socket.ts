import type { ByteSocket } from "./byte-socket.ts";

/** A greeting is short; whoever sends more before it is known is no Lodeline. */
export const GREETING_LIMIT_BYTES = 1_024;
const HEADER_BYTES = 4;

/** Who takes frames. */
export interface FrameListener {
  frame(payload: Buffer): void;
  closed(why: string): void;
}

/**
 * Frames on a stream: four bytes of length, network order, then so many bytes. What comes while nobody listens waits, up to
 * one frame of the limit; a longer frame ends the connection before any of it is kept.
 */
export class FramedSocket {
  /** The longest frame taken. */
  limitBytes = GREETING_LIMIT_BYTES;
  readonly #socket: ByteSocket;
  #listener: FrameListener | undefined;
  #chunks: Buffer[] = [];
  #haveBytes = 0;
  #ended: string | undefined;

  constructor(socket: ByteSocket) {
    this.#socket = socket;
    socket.listen({ bytes: (bytes) => this.#heard(bytes), closed: (why) => this.#tell(why) });
  }

  /** Bytes that the other end has not taken. */
  get waitingBytes(): number {
    return this.#socket.waitingBytes;
  }

  send(payload: Uint8Array): void {
    if (this.#ended !== undefined) return;
    const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.byteLength);
    frame.writeUInt32BE(payload.byteLength);
    frame.set(payload, HEADER_BYTES);
    this.#socket.write(frame);
  }

  /** Sets who takes what comes, from what waits on; `undefined` lets it wait. */
  listen(listener: FrameListener | undefined): void {
    this.#listener = listener;
    if (this.#ended !== undefined) listener?.closed(this.#ended);
    else this.#pump();
  }

  /** The next frame. Rejected with an `Error` that says why when the connection ends first. */
  next(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.listen({
        frame: (payload) => {
          this.#listener = undefined;
          resolve(payload);
        },
        closed: (why) => reject(new Error(why)),
      });
    });
  }

  /** Ends the connection and tells why, once. */
  end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#socket.close();
    this.#tell(why);
  }

  #tell(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#chunks = [];
    this.#haveBytes = 0;
    this.#listener?.closed(why);
  }

  #heard(bytes: Uint8Array): void {
    if (this.#ended !== undefined) return;
    this.#chunks.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#haveBytes += bytes.byteLength;
    this.#pump();
    const most = HEADER_BYTES + this.limitBytes;
    if (!this.#listener && this.#haveBytes > most) this.end("it sent more than it was asked for");
  }

  #pump(): void {
    while (this.#listener) {
      const payload = this.#take();
      if (!payload) return;
      this.#listener.frame(payload);
    }
  }

  #take(): Buffer | undefined {
    if (this.#haveBytes < HEADER_BYTES) return undefined;
    if ((this.#chunks[0]?.byteLength ?? 0) < HEADER_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
    const sizeBytes = this.#chunks[0]?.readUInt32BE() ?? 0;
    if (sizeBytes > this.limitBytes) {
      this.end(`a frame of ${sizeBytes} bytes came, ${this.limitBytes} are taken`);
      return undefined;
    }
    const wholeBytes = HEADER_BYTES + sizeBytes;
    if (this.#haveBytes < wholeBytes) return undefined;
    const [first = Buffer.alloc(0)] = this.#chunks;
    const all = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#haveBytes -= wholeBytes;
    this.#chunks = this.#haveBytes > 0 ? [all.subarray(wholeBytes)] : [];
    return all.subarray(HEADER_BYTES, wholeBytes);
  }
}
