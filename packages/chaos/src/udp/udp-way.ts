import type { Clock, MonoMs, Timer } from "@lodeline/base";
import type { UdpLane } from "./udp-conditions.ts";

/** What a relay has seen and done since it was opened. */
export interface UdpCounters {
  /** Clients that were ever seen. */
  clients: number;
  up: number;
  down: number;
  lost: number;
  overflowed: number;
  dead: number;
  duplicated: number;
  rebound: number;
  moved: number;
}

/** Counters of what has not begun: all 0. */
export function newUdpCounters(): UdpCounters {
  return {
    clients: 0,
    up: 0,
    down: 0,
    lost: 0,
    overflowed: 0,
    dead: 0,
    duplicated: 0,
    rebound: 0,
    moved: 0,
  };
}

interface Waiting {
  readonly at: MonoMs;
  readonly order: number;
  readonly bytes: Buffer;
}

/** One way of one client: datagrams go through every lane in turn, wait for their moment and leave. */
export class UdpWay {
  readonly #clock: Clock;
  readonly #counters: UdpCounters;
  readonly #send: (bytes: Buffer) => void;
  readonly #waiting: Waiting[] = [];
  #order = 0;
  #timer: Timer | undefined;
  #timerAtMs: MonoMs = Infinity;

  constructor(clock: Clock, counters: UdpCounters, send: (bytes: Buffer) => void) {
    this.#clock = clock;
    this.#counters = counters;
    this.#send = send;
  }

  /** Takes a datagram; `lanes` are those of the faults that hold now. */
  handle(bytes: Buffer, lanes: readonly UdpLane[]): void {
    const now = this.#clock.now();
    let copies: readonly MonoMs[] = [now];
    for (const lane of lanes) copies = copies.flatMap((at) => this.#through(lane, bytes.length, at));
    for (const at of copies) {
      if (at <= now && this.#waiting.length === 0) this.#send(bytes);
      else this.#wait(bytes, at);
    }
    this.#arm();
  }

  /** What waits never leaves. */
  close(): void {
    this.#timer?.cancel();
    this.#waiting.length = 0;
  }

  #through(lane: UdpLane, sizeBytes: number, at: MonoMs): readonly MonoMs[] {
    const fate = lane.decide(sizeBytes, at);
    if (typeof fate !== "string") {
      this.#counters.duplicated += fate.length - 1;
      return fate;
    }
    this.#counters[fate === "overflow" ? "overflowed" : fate]++;
    return [];
  }

  #wait(bytes: Buffer, at: MonoMs): void {
    let index = this.#waiting.length;
    while (index > 0 && (this.#waiting[index - 1]?.at ?? 0) > at) index--;
    this.#waiting.splice(index, 0, { at, order: this.#order++, bytes });
  }

  #arm(): void {
    const next = this.#waiting[0]?.at ?? Infinity;
    if (next === this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = next;
    this.#timer = next === Infinity ? undefined : this.#clock.at(next, () => this.#due());
  }

  #due(): void {
    this.#timerAtMs = Infinity;
    const now = this.#clock.now();
    for (let first = this.#waiting[0]; first && first.at <= now; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#send(first.bytes);
    }
    this.#arm();
  }
}
