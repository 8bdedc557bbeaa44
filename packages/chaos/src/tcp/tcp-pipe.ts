import type { Socket } from "node:net";
import { type Clock, integer, type MonoMs, type Random, type Timer } from "@lodeline/base";
import type { TcpConditions, TcpWeather, Way } from "./tcp-conditions.ts";

/** Above this much waiting the sender is not read any more, as a slow network would not. */
const WAITING_BYTES = 256 * 1024;
/** A throttled pipe writes about so often. */
const THROTTLE_STEP_MS = 20;

/** What a pipe needs of the connection it is one half of. */
export interface TcpPipeOptions {
  readonly way: Way;
  readonly from: Socket;
  readonly to: Socket;
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: TcpWeather;
  /** So many bytes were handed on. */
  passed(bytes: number): void;
  /** Whether the connection may be cut at this byte, and has not been told so for another one already. */
  mayCut(conditions: TcpConditions): boolean;
  /** The connection breaks here and now. */
  cut(): void;
}

interface Piece {
  readonly bytes: Buffer;
  readonly arrivedAtMs: MonoMs;
}

/** One way of one connection. Bytes leave in the order they came, once each, or not at all. */
export class TcpPipe {
  readonly #options: TcpPipeOptions;
  readonly #pieces: Piece[] = [];
  #waitingBytes = 0;
  #ended = false;
  #closing = false;
  #blocked = false;
  #over = false;
  #freeAtMs: MonoMs = -Infinity;
  #timer: Timer | undefined;
  /** Which conditions the offset was drawn for, and how many bytes are left until it. */
  #cut: { readonly of: TcpConditions; left: number } | undefined;

  constructor(options: TcpPipeOptions) {
    this.#options = options;
    const { from, to, clock } = options;
    from.on("data", (bytes: Buffer) => {
      this.#pieces.push({ bytes, arrivedAtMs: clock.now() });
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > WAITING_BYTES) from.pause();
      this.flow();
    });
    from.on("end", () => this.finish());
    to.on("drain", () => {
      this.#blocked = false;
      this.flow();
    });
  }

  /** Moves what may move; called again when anything has changed. */
  flow(): void {
    const { from, to, clock, weather, way } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    while (!this.#over && !this.#blocked && !weather.stalls(way)) {
      const piece = this.#pieces[0];
      if (!piece) {
        if (this.#closing) to.destroySoon();
        else if (this.#ended) to.end();
        break;
      }
      const dueAtMs = Math.max(piece.arrivedAtMs + weather.delayMs, this.#freeAtMs);
      if (dueAtMs > clock.now()) {
        this.#timer = clock.at(dueAtMs, () => this.flow());
        break;
      }
      this.#write(piece);
    }
    if (this.#waitingBytes <= WAITING_BYTES && from.isPaused() && !this.#over) from.resume();
  }

  /** Nothing more comes: when what waits has left, the other side is told, and closed where asked. */
  finish(andClose = false): void {
    this.#ended = true;
    this.#closing ||= andClose;
    this.flow();
  }

  /** Nothing moves any more. */
  close(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #write(piece: Piece): void {
    const { to, clock, weather } = this.#options;
    const { rateBps } = weather;
    const stepBytes = Math.max(1, Math.floor((rateBps * THROTTLE_STEP_MS) / 8000));
    const bytes = piece.bytes.subarray(0, Math.min(stepBytes, this.#bytesUntilCut()));
    const isLast = this.#isCutAfter(bytes.length);
    if (bytes.length < piece.bytes.length) this.#pieces[0] = { ...piece, bytes: piece.bytes.subarray(bytes.length) };
    else this.#pieces.shift();
    this.#waitingBytes -= bytes.length;
    this.#options.passed(bytes.length);
    if (rateBps < Infinity) this.#freeAtMs = clock.now() + (bytes.length * 8000) / rateBps;
    if (isLast) {
      this.#over = true;
      // The kernel has to have them first: the other side reads exactly up to the cut.
      to.write(bytes, () => this.#options.cut());
    } else if (!to.write(bytes)) {
      this.#blocked = true;
    }
  }

  #bytesUntilCut(): number {
    const { weather, random } = this.#options;
    const of = weather.cutting;
    if (!of?.cutBytes) {
      this.#cut = undefined;
      return Infinity;
    }
    if (this.#cut?.of !== of)
      this.#cut = { of, left: 1 + integer(of.random ?? random, Math.max(1, Math.round(2 * of.cutBytes))) };
    return this.#cut.left;
  }

  #isCutAfter(bytes: number): boolean {
    const cut = this.#cut;
    if (!cut) return false;
    cut.left -= bytes;
    if (cut.left > 0) return false;
    this.#cut = undefined;
    return this.#options.mayCut(cut.of);
  }
}
