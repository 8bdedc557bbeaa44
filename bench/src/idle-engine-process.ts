import { randomFillSync } from "node:crypto";
import { cryptoRandom, systemClock } from "@lodeline/base";
import { createMediaEngine } from "@lodeline/media";
import { serveMeasured } from "./worker-process.ts";

// The real engine, which answers offers: connections that carry a data channel and no media.
const clock = systemClock({
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
});
const engine = createMediaEngine({ clock, random: cryptoRandom((into) => randomFillSync(into)) });
await engine.ready();
let count = 0;

process.on("message", (ask: { readonly kind: string; readonly sdp?: string }) => {
  if (ask.kind !== "offer") return;
  const transport = engine.createTransport({ id: `idle-${count++}` });
  void transport.answer(ask.sdp ?? "").then(({ sdp }) => process.send?.({ sdp }));
});

serveMeasured({}, () => ({
  connected: engine.transports.filter(({ state }) => state.connection === "connected").length,
}));
