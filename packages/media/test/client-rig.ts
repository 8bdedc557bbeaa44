import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { cryptoRandom, systemClock } from "@lodeline/base";
import type { BundledTransport } from "../src/bundled-transport.ts";
import type { ClientTransport } from "../src/client-transport.ts";
import { createMediaEngine, type MediaEngine } from "../src/engine.ts";
import type { MediaEngineOptions } from "../src/engine-options.ts";
import { parseStun, STUN_ATTRIBUTE, STUN_TYPE } from "../src/ice/stun-message.ts";
import { createLoopbackPeer } from "../src/loopback-peer.ts";
import type { HostCandidate } from "../src/sdp/description.ts";
import type { WantedSection } from "../src/sdp/own-offer.ts";
import type { MediaTransport } from "../src/transport.ts";
import { type PacketPath, RigBrowser, section, vp8 } from "./plane-rig.ts";

/** Longer than anything here takes. */
const PATIENCE_MS = 60_000;

/** How much of a time counts in which this process did nothing. */
const STALL_MS = 10;

let told = 0;
let readAtMs = performance.now();

/** Real time, of which what the machine takes away from this process does not count: consent is not lost by that. */
function now(): number {
  const readMs = performance.now();
  told += Math.min(readMs - readAtMs, STALL_MS);
  readAtMs = readMs;
  return told;
}

const clock = systemClock({
  now,
  wall: () => Date.now(),
  setTimer: (fn, delayMs) => setTimeout(fn, Math.min(delayMs, STALL_MS / 2)),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
});

/** One of everything. */
export const EVERYTHING: readonly WantedSection[] = [{ kind: "audio" }, { kind: "video" }, { kind: "application" }];

/** An engine on loopback, on real sockets. */
export function openEngine(path: PacketPath, options: Partial<MediaEngineOptions> = {}): MediaEngine {
  const random = cryptoRandom((into) => webcrypto.getRandomValues(into));
  return createMediaEngine({ clock, random, native: path === "kernel", ...options });
}

/** Offers, has it answered, and takes the answer, perhaps changed on its way. */
export async function negotiate(
  client: ClientTransport,
  server: MediaTransport,
  options: {
    readonly wanted?: readonly WantedSection[];
    readonly iceRestart?: boolean;
    readonly change?: (answer: string) => string;
  } = {},
) {
  const { wanted = EVERYTHING, iceRestart = false, change = (answer: string) => answer } = options;
  const pending = await client.offer(wanted, { iceRestart });
  const { sdp, sections: theirs } = await server.answer(pending.sdp);
  const sections = await client.accept(pending, change(sdp));
  return { pending, answer: sdp, sections, theirs };
}

/** Settles when it is so, asked after each of the events that `listen` tells of; fails after a while. */
export function when(what: string, listen: (ask: () => void) => void, isSo: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = clock.at(now() + PATIENCE_MS, () => reject(new Error(`${what}: not within ${PATIENCE_MS} ms`)));
    const ask = () => {
      if (!isSo()) return;
      late.cancel();
      resolve();
    };
    listen(ask);
    ask();
  });
}

/** Settles when a transport is in a state. */
export function inState(transport: BundledTransport, connection: string): Promise<void> {
  return when(
    connection,
    (ask) => transport.on("state", ask),
    () => transport.state.connection === connection,
  );
}

/** A camera whose picture goes out by the client's section 1, and a screen for what comes back there. */
export class Mirror implements Disposable {
  readonly #clock = {
    kernel: undefined,
    get now() {
      return clock.now();
    },
    set now(_at: number) {
      assert.fail("it is real time");
    },
  };
  readonly #camera = new RigBrowser(this.#clock, [section("1", "video", "recvonly")], 1);
  readonly #screen = new RigBrowser(this.#clock, [section("3", "video", "sendonly")], 2);
  readonly #timer: NodeJS.Timeout;
  #asked: () => void = () => {};
  #sequenceNumber = 0;

  constructor(engine: MediaEngine, client: ClientTransport) {
    const out = this.#camera.plane.publish("camera", "1", "video");
    engine.forward({ id: "out", publication: out, transport: client, mid: "1" });
    const back = engine.publish({ id: "back", transport: client, mid: "1", kind: "video" });
    this.#screen.plane.forward("screen", back, "3");
    this.#timer = setInterval(() => this.#frame(), 10);
  }

  #frame(): void {
    const sequenceNumber = ++this.#sequenceNumber & 0xffff;
    const payload = vp8(sequenceNumber, sequenceNumber % 10 === 1);
    this.#camera.send({ ssrc: 7, sequenceNumber, mid: "1", payload });
    const now = clock.now();
    for (const { plane } of [this.#camera, this.#screen]) if (plane.deadlineMs <= now) plane.tick(now);
    this.#asked();
  }

  /** Settles when so many more pictures were made. */
  async produces(count: number): Promise<void> {
    const end = this.#sequenceNumber + count;
    await when(
      "pictures",
      (ask) => {
        this.#asked = ask;
      },
      () => this.#sequenceNumber >= end,
    );
  }

  /** Settles when so many more pictures came back. */
  async comeBack(count: number): Promise<void> {
    const before = this.#screen.got.length;
    await when(
      "pictures that come back",
      (ask) => {
        this.#asked = ask;
      },
      () => this.#screen.got.length >= before + count,
    );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/**
 * A way through to an engine's socket that can be shut: what the engine announces in place of its own.
 *
 * @param lite - Whether the engine's own checks are held back, so that it is one that only answers them.
 */
export async function openRelay(lite = false) {
  const [outside, inside] = [createSocket("udp4"), createSocket("udp4")];
  for (const socket of [outside, inside]) {
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
  }
  const state = { shut: false, heard: 0, controlled: 0 };
  let client = 0;
  let server = 0;
  outside.on("message", (bytes, { port }) => {
    client = port;
    state.heard++;
    if (parseStun(bytes)?.attributes.has(STUN_ATTRIBUTE.iceControlled)) state.controlled++;
    if (!state.shut) inside.send(bytes, server, "127.0.0.1");
  });
  inside.on("message", (bytes) => {
    state.heard++;
    const isCheck = parseStun(bytes)?.type === STUN_TYPE.request;
    if (!state.shut && !(lite && isCheck)) outside.send(bytes, client, "127.0.0.1");
  });
  return {
    state,
    announce: async ({ address, port }: HostCandidate): Promise<HostCandidate> => {
      server = port;
      return { address, port: outside.address().port };
    },
    [Symbol.dispose]: () => {
      outside.close();
      inside.close();
    },
  };
}

/** A server's end that sends everything back, and the client's end of it, connected. */
export async function connectedPair(
  path: PacketPath,
  options: { readonly server?: Partial<MediaEngineOptions>; readonly client?: Partial<MediaEngineOptions> } = {},
) {
  const there = openEngine(path, options.server);
  const here = openEngine(path, options.client);
  const server = there.createTransport({ id: "server" });
  const client = here.createClientTransport({ id: "client" });
  const { theirs } = await negotiate(client, server);
  createLoopbackPeer(there, server, theirs);
  await client.connected();
  return {
    there,
    here,
    server,
    client,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([here.close(), there.close()]);
    },
  };
}
