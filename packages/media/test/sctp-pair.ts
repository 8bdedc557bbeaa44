import { randomBytes } from "node:crypto";
import { integer, type MonoMs, type Random, unit } from "@lodeline/base";
import { SctpAssociation } from "../src/sctp/sctp-association.ts";
import type { SctpMessage } from "../src/sctp/sctp-reassembly.ts";

/** What a link does to packets. */
export interface Link {
  readonly random: Random;
  readonly loss?: number;
  readonly doubled?: number;
  readonly damage?: number;
  /** Least and largest delay in ms; a difference reorders. */
  readonly delayMs?: readonly [least: number, largest: number];
  /** Bytes per ms that a direction carries; more waits, and beyond 64 kB is lost. */
  readonly rate?: number;
}

/** One end and what it told. */
export class SctpEnd {
  readonly association: SctpAssociation;
  readonly messages: SctpMessage[] = [];
  readonly states: string[] = [];
  readonly incomingResets: (readonly number[])[] = [];
  readonly outgoingResets: (readonly number[])[] = [];
  /** Every packet it sent. */
  readonly sent: Buffer[] = [];
  busyUntil = 0;

  constructor(messageLimitBytes = 262_144) {
    this.association = new SctpAssociation({
      ports: { local: 5000, remote: 5000 },
      random: randomBytes(40),
      messageLimitBytes,
      events: {
        onState: (state, reason) => this.states.push(reason === undefined ? state : `${state}: ${reason}`),
        onMessage: (message) => this.messages.push(message),
        onIncomingReset: (streams) => this.incomingResets.push(streams),
        onOutgoingReset: (streams) => this.outgoingResets.push(streams),
      },
    });
  }
}

/** How a message is sent, where not reliable and in order. */
export interface SendOptions {
  readonly stream?: number;
  readonly ordered?: boolean;
  readonly maxRetransmits?: number;
  readonly lifeMs?: number;
}

interface Flying {
  readonly at: MonoMs;
  readonly to: SctpEnd;
  readonly bytes: Buffer;
}

/** Two associations in virtual time. */
export class SctpPair {
  readonly left: SctpEnd;
  readonly right: SctpEnd;
  /** May be changed on the way. */
  link: Link;
  #flying: Flying[] = [];
  now: MonoMs = 0;
  /** Says what happens to a packet before the link does; `true` loses it. */
  lose: ((bytes: Buffer, from: SctpEnd) => boolean) | undefined;

  constructor(link: Link, messageLimitBytes?: number) {
    this.link = link;
    this.left = new SctpEnd(messageLimitBytes);
    this.right = new SctpEnd(messageLimitBytes);
  }

  /** Sets it up, by the left end or by both. */
  connect(both = false): this {
    this.left.association.connect(this.now);
    if (both) this.right.association.connect(this.now);
    this.run();
    return this;
  }

  send(from: SctpEnd, bytes: Buffer, options: SendOptions = {}): void {
    from.association.send({
      stream: options.stream ?? 0,
      ppid: 53,
      ordered: options.ordered ?? true,
      bytes,
      maxRetransmits: options.maxRetransmits,
      expiresAtMs: options.lifeMs === undefined ? undefined : this.now + options.lifeMs,
    });
  }

  #drain(from: SctpEnd, to: SctpEnd): void {
    for (let packet = from.association.poll(this.now); packet; packet = from.association.poll(this.now)) {
      from.sent.push(packet);
      this.#carry(from, to, packet);
    }
  }

  #carry(from: SctpEnd, to: SctpEnd, packet: Buffer): void {
    const { random, loss = 0, doubled = 0, damage = 0, delayMs: [least, largest] = [1, 1], rate } = this.link;
    if (this.lose?.(packet, from) || unit(random) < loss) return;
    if (rate !== undefined) {
      from.busyUntil = Math.max(from.busyUntil, this.now) + packet.length / rate;
      if ((from.busyUntil - this.now) * rate > 65_536) return;
    }
    const leaves = rate === undefined ? this.now : from.busyUntil;
    for (let copies = unit(random) < doubled ? 2 : 1; copies > 0; copies--) {
      const bytes = Buffer.from(packet);
      if (unit(random) < damage) bytes[integer(random, bytes.length)] = integer(random, 256);
      this.#flying.push({ at: leaves + least + unit(random) * (largest - least), to, bytes });
    }
  }

  /** Lets time pass until nothing happens but heartbeats, or until `untilMs` from now. */
  run(forMs = 20_000): this {
    const end = this.now + forMs;
    for (;;) {
      this.#drain(this.left, this.right);
      this.#drain(this.right, this.left);
      const deadlines = [this.left, this.right].map(({ association }) => association.deadlineMs ?? Infinity);
      const next = Math.min(...deadlines, ...this.#flying.map(({ at }) => at));
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const due = this.#flying.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at);
      this.#flying = this.#flying.filter(({ at }) => at > this.now);
      for (const { to, bytes } of due) to.association.handle(bytes, this.now);
      this.left.association.tick(this.now);
      this.right.association.tick(this.now);
    }
    this.now = end;
    return this;
  }
}
