import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type MonoMs, seededRandom, silentLogger } from "@lodeline/base";
import { VirtualClock } from "@lodeline/testkit";
import { DataChannels } from "../src/data-channels.ts";
import { createDtlsCertificate, type DtlsCertificate } from "../src/dtls/certificate.ts";
import { DtlsLink } from "../src/dtls/dtls-link.ts";
import type { IcePath } from "../src/ice/ice-types.ts";
import { encodeStun, parseStun, STUN_ATTRIBUTE, STUN_TYPE } from "../src/ice/stun-message.ts";
import { OutgoingBuffers } from "../src/outgoing-buffers.ts";
import { MediaTransport } from "../src/transport.ts";
import type { TransportHost } from "../src/transport-host.ts";

const THEIRS = { usernameFragment: "thrs", password: "their-password-of-some-length" };

/** A browser's offer with slots for sound, pictures and data, from somebody with these credentials. */
function offerOf({ fingerprint }: DtlsCertificate): string {
  return readFileSync(new URL("fixtures/chromium-slots.sdp", import.meta.url), "utf8")
    .replaceAll(/a=ice-ufrag:.*/g, `a=ice-ufrag:${THEIRS.usernameFragment}`)
    .replaceAll(/a=ice-pwd:.*/g, `a=ice-pwd:${THEIRS.password}`)
    .replaceAll(/a=fingerprint:sha-256 .*/g, `a=fingerprint:sha-256 ${fingerprint}`);
}

/** An engine of one transport that is nowhere. */
function hostOf(clock: VirtualClock, certificate: DtlsCertificate): TransportHost {
  return {
    random: seededRandom(3),
    logger: silentLogger,
    buffers: new OutgoingBuffers(4),
    kernel: undefined,
    videoCodecs: [],
    iceTimings: undefined,
    dtlsRole: "client",
    bitrates: { simulcastBps: undefined, singleBps: undefined },
    now: () => clock.now(),
    wallMs: () => clock.wall(),
    addresses: [],
    certificate: async () => certificate,
    ready: async () => ({ certificate, candidates: [] }),
    wake: () => {},
    register: () => {},
    closed: () => {},
    routed: () => {},
    pathOf: () => undefined,
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A transport and a browser that answers everything at once, in virtual time. */
class Connection implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly transport: MediaTransport;
  readonly #certificate: DtlsCertificate;
  readonly #path: IcePath;
  #dtls: DtlsLink | undefined;
  #data: DataChannels | undefined;
  #local = { usernameFragment: "", password: "" };
  #dueAtMs: MonoMs = Infinity;
  ticks = 0;
  checks = 0;

  private constructor(certificate: DtlsCertificate) {
    this.#certificate = certificate;
    this.#path = { address: "192.0.2.9", port: 4000, send: (bytes) => this.#post(bytes, (copy) => this.#arrive(copy)) };
    this.transport = new MediaTransport("idle", {
      ...hostOf(this.clock, certificate),
      wake: (_transport, at) => {
        this.#dueAtMs = Math.min(this.#dueAtMs, at);
      },
      register: (_transport, added) => {
        this.#local = added ?? this.#local;
      },
    });
  }

  static async open(): Promise<Connection> {
    const [ours, theirs] = await Promise.all([createDtlsCertificate(), createDtlsCertificate()]);
    const made = new Connection(ours);
    await made.transport.answer(offerOf(theirs));
    made.#openTheirs(theirs);
    made.#check();
    for (let turns = 0; made.#data?.state !== "established" && turns < 100; turns++) await made.#attend();
    assert.equal(made.transport.state.connection, "connected");
    assert.equal(made.#data?.state, "established");
    return made;
  }

  #openTheirs(certificate: DtlsCertificate): void {
    this.#dtls = new DtlsLink({
      role: "server",
      certificate,
      fingerprints: [{ hash: "sha-256", value: this.#certificate.fingerprint }],
      events: {
        onState: (state) => state === "connected" && this.#data?.start(true),
        onKeys: () => {},
        onData: (bytes) => this.#data?.handle(bytes),
        send: (bytes) => this.#post(bytes, (copy) => this.transport.handleDatagram(copy, this.#path)),
      },
    });
    this.#data = new DataChannels({
      role: "server",
      remotePort: 5000,
      now: () => this.clock.now(),
      wake: () => {},
      send: (bytes) => this.#dtls?.send(bytes),
      onChannel: () => {},
    });
  }

  /** Nobody hears an answer before they have finished what they say. */
  #post(bytes: Uint8Array, deliver: (copy: Buffer) => void): void {
    const copy = Buffer.from(bytes);
    setImmediate(() => deliver(copy));
  }

  /** What the browser gets. */
  #arrive(bytes: Buffer): void {
    const message = parseStun(bytes);
    if (message === undefined) return this.#dtls?.handle(bytes, this.clock.now());
    if (message.type !== STUN_TYPE.request) return;
    this.checks++;
    this.#stun(STUN_TYPE.success, message.transactionId, [], THEIRS.password);
  }

  /** A browser checks, and nominates, every 2.5 s. */
  #check(): void {
    const username = Buffer.from(`${this.#local.usernameFragment}:${THEIRS.usernameFragment}`);
    const attributes = [
      [STUN_ATTRIBUTE.username, username],
      [STUN_ATTRIBUTE.iceControlling, Buffer.alloc(8, 1)],
      [STUN_ATTRIBUTE.useCandidate, Buffer.alloc(0)],
    ] as const;
    const id = Buffer.alloc(12);
    id.writeUInt32BE(this.clock.now(), 8);
    this.#stun(STUN_TYPE.request, id, attributes, this.#local.password);
  }

  #stun(type: number, id: Buffer, attributes: readonly (readonly [number, Buffer])[], password: string): void {
    this.#post(encodeStun(type, id, attributes, password), (copy) => {
      this.transport.handleStun(parseStun(copy) ?? assert.fail(), this.#path);
    });
  }

  /** Does what the engine does for a transport that is due. */
  async #attend(): Promise<void> {
    for (let turns = 0; turns < 4; turns++) await turn();
    if (this.#dueAtMs > this.clock.now()) return;
    this.ticks++;
    this.#dueAtMs = Infinity;
    if ((this.transport.deadlineMs ?? Infinity) <= this.clock.now()) this.transport.tick(this.clock.now());
    this.#dueAtMs = this.transport.deadlineMs ?? Infinity;
  }

  /** Lets time pass, from one thing that is due to the next. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    let nextCheckAtMs = this.clock.now() + 2500;
    for (;;) {
      const next = Math.min(this.#dueAtMs, nextCheckAtMs, this.#data?.deadlineMs ?? Infinity);
      if (next > until) break;
      this.clock.advance(Math.max(0, next - this.clock.now()));
      if (next === nextCheckAtMs) {
        this.#check();
        nextCheckAtMs += 2500;
      }
      this.#data?.tick(this.clock.now());
      await this.#attend();
    }
    this.clock.advance(until - this.clock.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    this.#data?.close();
    this.#dtls?.close();
  }
}

describe("a connection over which nothing flows", () => {
  it("[IDLE1] does nothing but ask for consent and keep its association", async () => {
    await using connection = await Connection.open();
    await connection.pass(5_000);
    const { ticks, checks } = connection;
    await connection.pass(120_000);
    const asked = connection.checks - checks;
    // Every 1.6 to 2.4 s.
    assert.ok(asked >= 50 && asked <= 75, `${asked} checks`);
    // Beside them a heartbeat of SCTP now and then, with its acknowledgement.
    assert.ok(connection.ticks - ticks <= asked + 16, `${connection.ticks - ticks} ticks for ${asked} checks`);
    assert.equal(connection.transport.state.connection, "connected");
  });

  it("[IDLE2] keeps no rings", async () => {
    const certificate = await createDtlsCertificate();
    const host = hostOf(new VirtualClock(), certificate);
    const before = process.memoryUsage().arrayBuffers;
    const transports = Array.from({ length: 64 }, (_, index) => new MediaTransport(`idle-${index}`, host));
    for (const transport of transports) await transport.answer(offerOf(certificate));
    const each = (process.memoryUsage().arrayBuffers - before) / transports.length;
    for (const transport of transports) await transport.close();
    assert.ok(each < 32_000, `${each} bytes`);
  });
});
