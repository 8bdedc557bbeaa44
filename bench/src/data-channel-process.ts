import { createSocket } from "node:dgram";
import { createDtlsCertificate, DataChannels, DtlsLink, type DtlsRole } from "@lodeline/media/interop";
import { measuredOptions, serveMeasured } from "./worker-process.ts";

/** One end of a data channel of ours: DTLS and SCTP on a UDP socket, in a process of its own. */
const { role } = measuredOptions<{ readonly role: DtlsRole }>();
const MESSAGE = new Uint8Array(16_384);
/** More than this waits at no time: it is what `bufferedamountlow` is for. */
const AHEAD_BYTES = 1024 * 1024;

const certificate = await createDtlsCertificate();
const socket = createSocket({
  type: "udp4",
  recvBufferSize: 4 << 20,
  sendBufferSize: 4 << 20,
  // Addresses are literals: no resolver, as in the engine.
  lookup: (host, _options, callback) => callback(null, host, 4),
});
await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
let remotePort = 0;
let link: DtlsLink | undefined;
let channels: DataChannels | undefined;
let received = 0;
let stopped = false;
let timer: NodeJS.Timeout | undefined;
const now = () => performance.now();

function connect(port: number, fingerprint: string): void {
  remotePort = port;
  const dtls = new DtlsLink({
    role,
    certificate,
    fingerprints: [{ hash: "sha-256", value: fingerprint }],
    events: {
      onState: (state) => {
        if (state === "connected") data.start(role === "client");
      },
      onKeys: () => {},
      onData: (bytes) => data.handle(bytes),
      send: (bytes) => socket.send(bytes, remotePort, "127.0.0.1"),
    },
  });
  const data: DataChannels = new DataChannels({
    role,
    remotePort: 5000,
    now,
    wake: arm,
    send: (bytes) => dtls.send(bytes),
    onChannel: (channel) =>
      channel.on("message", (message) => {
        received += message.length;
      }),
  });
  link = dtls;
  channels = data;
  dtls.start(now());
  arm(now());
}

function arm(at: number): void {
  clearTimeout(timer);
  timer = setTimeout(tick, Math.max(1, at - now()));
}

function tick(): void {
  link?.tick(now());
  channels?.tick(now());
  const next = Math.min(link?.deadlineMs ?? Infinity, channels?.deadlineMs ?? Infinity);
  if (next < Infinity) arm(next);
}

socket.on("message", (bytes) => link?.handle(bytes, now()));

process.on("message", (ask: { kind: string; port?: number; fingerprint?: string }) => {
  if (ask.kind === "connect") {
    connect(ask.port ?? 0, ask.fingerprint ?? "");
    process.send?.({});
  } else if (ask.kind === "flood") {
    const channel = channels?.open({
      label: "flood",
      protocol: "",
      ordered: true,
      maxRetransmits: undefined,
      maxPacketLifeTimeMs: undefined,
    });
    if (!channel) throw new Error("not connected");
    channel.bufferedLowBytes = AHEAD_BYTES / 2;
    const fill = () => {
      while (!stopped && channel.bufferedBytes < AHEAD_BYTES) channel.send(MESSAGE);
    };
    channel.on("open", fill);
    channel.on("bufferedamountlow", fill);
    process.send?.({});
  } else if (ask.kind === "quiet") {
    stopped = true;
    process.send?.({});
  }
});

serveMeasured({ port: socket.address().port, fingerprint: certificate.fingerprint }, () => ({
  received,
  again: channels?.retransmissions ?? 0,
}));
