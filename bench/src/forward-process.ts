import { randomFillSync } from "node:crypto";
import { cryptoRandom, systemClock } from "@lodeline/base";
import { createMediaEngine, type Forwarder, type MediaTransport, type Publication } from "@lodeline/media";
import { measuredOptions, serveMeasured } from "./worker-process.ts";

/** What the generator asks of the measured engine. */
export type EngineAsk =
  | { readonly kind: "offer"; readonly id: string; readonly sdp: string }
  | { readonly kind: "publish"; readonly id: string }
  | { readonly kind: "forward"; readonly id: string };

// The real engine on real sockets, in a process of its own: ICE, DTLS, SRTP, retransmission cache, reports and
// feedback are all switched on, as in a room.
const clock = systemClock({
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
});
const { native, address } = measuredOptions<{ readonly native: boolean; readonly address: string }>();
const random = cryptoRandom((into) => randomFillSync(into));
const engine = createMediaEngine({ clock, random, native, addresses: [address] });
await engine.ready();
const transports = new Map<string, MediaTransport>();
const forwarders: Forwarder[] = [];
let publication: Publication | undefined;

process.on("message", (ask: EngineAsk) => {
  if (ask.kind === "offer") void answer(ask.id, ask.sdp);
  if (ask.kind === "publish") {
    publication = engine.publish({ id: ask.id, transport: transportOf(ask.id), mid: "0", kind: "video" });
    process.send?.({});
  }
  if (ask.kind === "forward" && publication) {
    forwarders.push(engine.forward({ id: ask.id, publication, transport: transportOf(ask.id), mid: "0" }));
    process.send?.({});
  }
});

async function answer(id: string, offer: string): Promise<void> {
  const transport = engine.createTransport({ id });
  transports.set(id, transport);
  const { sdp } = await transport.answer(offer);
  process.send?.({ sdp });
}

function transportOf(id: string): MediaTransport {
  const transport = transports.get(id);
  if (!transport) throw new Error(`no transport ${id}`);
  return transport;
}

serveMeasured({ path: engine.packetPath }, () => {
  const out = forwarders.map((forwarder) => forwarder.stats().packets);
  return {
    ...engine.kernelCounters,
    packetsIn: publication?.stats().packets ?? 0,
    byKernel: publication?.byKernel === true ? 1 : 0,
    packetsOut: out.reduce((sum, packets) => sum + packets, 0),
    packetsOutLeast: Math.min(...out),
    packetsOutMost: Math.max(...out),
  };
});
