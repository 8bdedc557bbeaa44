import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { createSpeakerRig, type ReadSpeech } from "@lodeline/media/speaker-rig";

const SPEAKERS = 12;
const MOST = 3;
const PACKET_MS = 20;
const QUIET_DBOV = -72;
const SPEECH_DBOV = -27;

/** Who speaks, from when to when: one after the other, two and three at once, and one who comes back. */
const TALK = [
  { speaker: 7, fromMs: 600, toMs: 1_400 },
  { speaker: 3, fromMs: 1_300, toMs: 2_300 },
  { speaker: 11, fromMs: 1_500, toMs: 2_000 },
  { speaker: 0, fromMs: 2_900, toMs: 3_500 },
  { speaker: 9, fromMs: 3_600, toMs: 4_400 },
  { speaker: 7, fromMs: 4_500, toMs: 5_200 },
] as const;
const END_MS = 5_600;

describe("twelve microphones over real sockets, three forwarded", { timeout: 30_000 }, () => {
  const sockets: Socket[] = [];
  const open = async () => {
    const socket = createSocket("udp4");
    sockets.push(socket);
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return { socket, port: (socket.address() as AddressInfo).port };
  };
  after(() => {
    for (const socket of sockets) socket.close();
  });

  it("three streams leave, and no new speaker's first syllable is cut by more than 40 ms", async () => {
    const [server, receiver] = await Promise.all([open(), open()]);
    const senders = await Promise.all(Array.from({ length: SPEAKERS }, open));
    const speakerOf = new Map(senders.map(({ port }, speaker) => [port, speaker]));
    const began = performance.now();
    const rig = createSpeakerRig({
      speakers: SPEAKERS,
      most: MOST,
      send: (bytes) => server.socket.send(Buffer.from(bytes), receiver.port, "127.0.0.1"),
    });
    const got: (ReadSpeech & { readonly at: number })[] = [];
    server.socket.on("message", (datagram, { port }) => {
      const speaker = speakerOf.get(port);
      if (speaker !== undefined) rig.handle(speaker, datagram, performance.now());
    });
    receiver.socket.on("message", (datagram) => got.push({ ...rig.read(datagram), at: performance.now() - began }));

    /** Which of a speaker's packets is the first of each of its turns. */
    const firsts = new Map<(typeof TALK)[number], { index: number; at: number }>();
    await new Promise<void>((resolve) => {
      let sent = 0;
      const timer = setInterval(() => {
        const now = performance.now() - began;
        // A timer that is late sends what is due, as an audio device would.
        for (; sent * PACKET_MS <= now; sent++) {
          const at = sent * PACKET_MS;
          for (const [speaker, { socket }] of senders.entries()) {
            const turn = TALK.find((one) => one.speaker === speaker && at >= one.fromMs && at < one.toMs);
            if (turn && !firsts.has(turn)) firsts.set(turn, { index: sent, at: now });
            socket.send(rig.packet(speaker, turn ? SPEECH_DBOV : QUIET_DBOV), server.port, "127.0.0.1");
          }
        }
        if (now < END_MS) return;
        clearInterval(timer);
        setTimeout(resolve, 200);
      }, PACKET_MS / 2);
    });

    const cuts = TALK.map((turn) => {
      const first = firsts.get(turn) ?? assert.fail();
      const heard = got.find(({ speaker, index }) => speaker === turn.speaker && index >= first.index);
      return {
        ...turn,
        cutMs: ((heard?.index ?? Infinity) - first.index) * PACKET_MS,
        afterMs: (heard?.at ?? 0) - first.at,
      };
    });
    // By the time at which a packet was spoken: a machine under load hands them over in bunches.
    const perHalf = 500 / PACKET_MS;
    const seconds = Array.from({ length: Math.floor(END_MS / 500) }, (_, i) =>
      got.filter(({ index }) => Math.floor(index / perHalf) === i),
    );
    // Of a stream that is let in or shut out there is a part; what counts is whole streams.
    const streams = seconds.map((part) => (part.length * PACKET_MS) / 500);
    console.log(
      `${SPEAKERS} microphones, ${MOST} forwarded: streams in each half second ${streams.map((n) => n.toFixed(1)).join(" ")}`,
    );
    console.log(`first syllable cut by ${cuts.map(({ speaker, cutMs }) => `${cutMs} ms (${speaker})`).join(", ")}`);
    console.log(`heard after ${cuts.map(({ afterMs }) => `${Math.round(afterMs)} ms`).join(", ")}`);
    for (const { speaker, cutMs } of cuts) assert.ok(cutMs <= 40, `speaker ${speaker} is cut by ${cutMs} ms`);
    // Five packets of pre-roll come on top of each switch, of which there are two at most.
    for (const [i, n] of streams.slice(1).entries()) assert.ok(n <= MOST + 0.6, `${n} streams in half second ${i + 1}`);
    assert.ok(
      new Set(got.map(({ speaker, index }) => `${speaker} ${index}`)).size === got.length,
      "nothing comes twice",
    );
  });
});
