import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { RTCPeerConnection, RtpHeader, useVP8 } from "werift";
import type { EngineAsk } from "./forward-process.ts";
import { type Bench, median, row } from "./result.ts";
import { type CpuSpan, type Measured, startMeasured } from "./worker-process.ts";

const SUBSCRIBERS = 10;
const PACKET_BYTES = 1_100;
const PACKETS_IN_PER_SECOND = 1_200;
const WARM_UP_MS = 2_000;
const SPAN_MS = 4_000;
const RUNS = 3;
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Packets leave in a burst every so often, as a pacer sends them. */
const BURST_EVERY_MS = 5;

/** CPU per forwarded packet of the media engine, beside Node's own crypto and sockets doing nothing else. */
export const forward: Bench = {
  name: "forward",
  about: `1 sender to ${SUBSCRIBERS} receivers, ${PACKET_BYTES} byte packets, AES-128-GCM, ${PACKETS_IN_PER_SECOND} packets/s in`,
  async run(progress) {
    const ours: number[] = [];
    const bare: number[] = [];
    for (let run = 1; run <= RUNS; run++) {
      const engine = await forwardedByEngine();
      const plain = await forwardedByPlainNode();
      ours.push(engine.micros);
      bare.push(plain.micros);
      progress(
        `run ${run} of ${RUNS}: ${engine.micros.toFixed(1)} us a packet (${lossOf(engine)} not read by the load), ` +
          `plain Node ${plain.micros.toFixed(1)} us`,
      );
    }
    return [
      row("forward.cpu-per-packet", median(ours), "us", "plain Node: GCM and dgram.send, nothing else", median(bare)),
    ];
  },
};

interface Forwarded {
  /** CPU of the forwarding process per outgoing packet. */
  readonly micros: number;
  readonly sent: number;
  readonly arrived: number;
}

function lossOf({ sent, arrived }: Forwarded): string {
  return `${((100 * Math.max(0, sent - arrived)) / Math.max(1, sent)).toFixed(2)} %`;
}

async function forwardedByEngine(): Promise<Forwarded> {
  await using engine = await startMeasured<object>("./forward-process.ts");
  const ask = (question: EngineAsk) => engine.ask(question);
  const publisher = await connect(engine, "publisher", "sendonly");
  await ask({ kind: "publish", id: "publisher" });
  const receivers: Connected[] = [];
  for (let index = 0; index < SUBSCRIBERS; index++) {
    const receiver = await connect(engine, `receiver-${index}`, "recvonly");
    receiver.countOnly();
    await ask({ kind: "forward", id: `receiver-${index}` });
    receivers.push(receiver);
  }
  const arrived = () => receivers.reduce((sum, receiver) => sum + receiver.arrived(), 0);
  const result = await measure(engine, "packetsOut", arrived, (sequence) => publisher.send(sequence));
  for (const peer of [publisher, ...receivers]) await peer.close();
  return result;
}

interface Connected {
  send(sequence: number): void;
  /** Stops decrypting what arrives: the generator must not be the limit. */
  countOnly(): void;
  arrived(): number;
  close(): Promise<void>;
}

async function connect(engine: Measured<object>, id: string, direction: "sendonly" | "recvonly"): Promise<Connected> {
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ["127.0.0.1"],
    iceUseIpv6: false,
    codecs: { video: [useVP8()], audio: [] },
  });
  const transceiver = peer.addTransceiver("video", { direction });
  const offer = await peer.createOffer();
  // werift asks a public STUN server where none is configured; nothing here leaves the machine.
  for (const transport of peer.iceTransports) Object.assign(transport.connection, { stunServer: undefined });
  await peer.setLocalDescription(offer);
  const { sdp } = await engine.ask({ kind: "offer", id, sdp: peer.localDescription?.sdp ?? offer.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp: String(sdp) });
  while (peer.connectionState !== "connected") await peer.connectionStateChange.asPromise();
  const [dtls] = peer.dtlsTransports;
  if (!dtls) throw new Error("no transport");
  const payload = vp8Payload();
  let arrived = 0;
  for (const socket of socketsOf(dtls.iceTransport.connection)) socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  return {
    send(sequence) {
      const header = new RtpHeader({
        payloadType: 96,
        ssrc: transceiver.sender.ssrc,
        sequenceNumber: sequence & 0xffff,
        timestamp: (sequence * 90) >>> 0,
        marker: true,
      });
      void dtls.sendRtp(payload, header);
    },
    countOnly() {
      const { connection } = dtls.iceTransport;
      connection.onData.allUnsubscribe();
      connection.onData.subscribe((data) => {
        if ((data[0] ?? 0) >= 128 && (data[1] ?? 0) !== 200) arrived++;
      });
    },
    arrived: () => arrived,
    close: () => peer.close(),
  };
}

/** werift leaves its sockets at the system's default size, which a burst of the load overruns. */
function socketsOf(connection: object): Socket[] {
  const { protocols = [] } = connection as {
    readonly protocols?: readonly { readonly transport?: { readonly socket?: Socket } }[];
  };
  return protocols.flatMap(({ transport }) => transport?.socket ?? []);
}

/** A VP8 payload that says key frame at its start, so that every receiver is served from the first packet on. */
function vp8Payload(): Buffer {
  const payload = Buffer.alloc(PACKET_BYTES - 12, 0x5a);
  payload[0] = 0x10;
  payload[1] = 0x10;
  payload.set([0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01], 4);
  return payload;
}

async function forwardedByPlainNode(): Promise<Forwarded> {
  let arrived = 0;
  const sinks = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => openSink(() => arrived++)));
  const ports = sinks.map((sink) => sink.address().port);
  await using plain = await startMeasured<{ readonly port: number }>("./plain-node-forward-process.ts", { ports });
  const out = createSocket("udp4");
  const packet = Buffer.alloc(PACKET_BYTES + 16, 0x80);
  const result = await measure(
    plain,
    "sent",
    () => arrived,
    () => out.send(packet, plain.ready.port, "127.0.0.1"),
  );
  out.close();
  for (const sink of sinks) sink.close();
  return result;
}

async function openSink(onPacket: () => void): Promise<Socket> {
  const sink = createSocket({ type: "udp4", recvBufferSize: RECEIVE_BUFFER_BYTES });
  sink.on("message", onPacket);
  sink.bind(0, "127.0.0.1");
  await once(sink, "listening");
  return sink;
}

async function measure(
  process: Measured<unknown>,
  sentName: string,
  arrived: () => number,
  send: (sequence: number) => void,
): Promise<Forwarded> {
  let sequence = 0;
  const started = performance.now();
  const pacer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * PACKETS_IN_PER_SECOND;
    while (sequence < due) send(sequence++);
  }, BURST_EVERY_MS);
  await pause(WARM_UP_MS);
  await process.start();
  const before = await process.stop();
  await process.start();
  const arrivedBefore = arrived();
  await pause(SPAN_MS);
  const after = await process.stop();
  const arrivedNow = arrived() - arrivedBefore;
  clearInterval(pacer);
  const sent = countOf(after, sentName) - countOf(before, sentName);
  return { micros: (after.cpuMs * 1000) / sent, sent, arrived: arrivedNow };
}

function countOf(span: CpuSpan & { readonly extra: Record<string, number> }, name: string): number {
  return span.extra[name] ?? 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
