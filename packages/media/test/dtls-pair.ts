import { integer, type MonoMs, type Random, unit } from "@lodeline/base";
import type { DtlsCertificate } from "../src/dtls/certificate.ts";
import { DtlsLink, type DtlsRole } from "../src/dtls/dtls-link.ts";
import type { SrtpKeys, SrtpProfile } from "../src/srtp/srtp-keys.ts";

/** What a wire does to datagrams, each by chance. */
export interface Wire {
  readonly random: Random;
  /** Chances from 0 to 1. */
  readonly loss?: number;
  readonly doubled?: number;
  /** Largest delay; more than the least one reorders. */
  readonly delayMs?: number;
  /** Bytes may be changed on the way, in this share of datagrams. */
  readonly damage?: number;
}

interface InFlight {
  readonly at: MonoMs;
  readonly to: DtlsEnd;
  readonly bytes: Buffer;
}

/** One end, and what it told its owner. */
export class DtlsEnd {
  readonly link: DtlsLink;
  readonly states: string[] = [];
  readonly data: string[] = [];
  /** Every datagram it sent. */
  readonly sent: Buffer[] = [];
  keys: SrtpKeys | undefined;

  constructor(
    role: DtlsRole,
    options: {
      readonly certificate: DtlsCertificate;
      readonly fingerprint: string;
      readonly hash?: string;
      readonly profiles?: readonly SrtpProfile[];
      readonly cookies?: boolean;
      readonly send: (bytes: Buffer) => void;
    },
  ) {
    this.link = new DtlsLink({
      role,
      certificate: options.certificate,
      fingerprints: [{ hash: options.hash ?? "sha-256", value: options.fingerprint }],
      profiles: options.profiles,
      cookies: options.cookies,
      events: {
        onState: (state, reason) => this.states.push(reason === undefined ? state : `${state}: ${reason}`),
        onKeys: (keys) => {
          this.keys = keys;
        },
        onData: (bytes) => this.data.push(bytes.toString()),
        send: (bytes) => {
          this.sent.push(bytes);
          options.send(bytes);
        },
      },
    });
  }
}

/** Options of one end of a {@link DtlsPair}. */
export interface EndOptions {
  readonly certificate: DtlsCertificate;
  /** What the other end is told of it; by default the truth. */
  readonly announced?: string;
  readonly profiles?: readonly SrtpProfile[];
  readonly cookies?: boolean;
}

/** A client and a server of ours in virtual time. */
export class DtlsPair {
  readonly client: DtlsEnd;
  readonly server: DtlsEnd;
  readonly #wire: Wire;
  #flying: InFlight[] = [];
  now: MonoMs = 0;

  constructor(client: EndOptions, server: EndOptions, wire: Wire) {
    this.#wire = wire;
    const end = (role: DtlsRole, mine: EndOptions, theirs: EndOptions, other: () => DtlsEnd): DtlsEnd =>
      new DtlsEnd(role, {
        ...mine,
        fingerprint: theirs.announced ?? theirs.certificate.fingerprint,
        send: (bytes) => this.#carry(other(), bytes),
      });
    this.client = end("client", client, server, () => this.server);
    this.server = end("server", server, client, () => this.client);
  }

  #carry(to: DtlsEnd, bytes: Buffer): void {
    const { random, loss = 0, doubled = 0, delayMs = 1, damage = 0 } = this.#wire;
    if (unit(random) < loss) return;
    const copies = unit(random) < doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const carried = Buffer.from(bytes);
      if (unit(random) < damage) carried[integer(random, carried.length)] = integer(random, 256);
      this.#flying.push({ at: this.now + 1 + unit(random) * (delayMs - 1), to, bytes: carried });
    }
  }

  /** Starts both and lets time pass until nothing is left to happen, or `untilMs`. */
  run(untilMs = 60_000): void {
    this.client.link.start(this.now);
    this.server.link.start(this.now);
    for (;;) {
      const deadlines = [this.client.link.deadlineMs, this.server.link.deadlineMs, ...this.#flying.map(({ at }) => at)];
      const next = Math.min(...deadlines.map((at) => at ?? Infinity));
      if (next > untilMs) return;
      this.now = Math.max(this.now, next);
      const due = this.#flying.filter(({ at }) => at <= this.now);
      this.#flying = this.#flying.filter(({ at }) => at > this.now);
      for (const { to, bytes } of due) to.link.handle(bytes, this.now);
      this.client.link.tick(this.now);
      this.server.link.tick(this.now);
    }
  }
}
