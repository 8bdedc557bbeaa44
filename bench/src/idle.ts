import { RTCPeerConnection } from "werift";
import { type Bench, row } from "./result.ts";
import { type Measured, startMeasured } from "./worker-process.ts";

const CONNECTIONS = 100;
const WARM_UP = 10;
const SPAN_MS = 8000;

/** What a hundred connections of one kind of server cost. */
interface Cost {
  readonly handshakesPerSecond: number;
  readonly idleCpuMsPerSecond: number;
  readonly kilobytesEach: number;
}

/** A hundred connections with a data channel and nothing to say: setting up, keeping, holding them; ours beside werift's. */
export const idle: Bench = {
  name: "idle",
  about: `${CONNECTIONS} connections from werift clients: handshakes on one core, then CPU and memory of each while idle`,
  async run(progress) {
    const ours = await measure("./idle-engine-process.ts");
    progress(said("the engine", ours));
    const werift = await measure("./idle-werift-process.ts");
    progress(said("werift", werift));
    const each = (cost: Cost) => (cost.idleCpuMsPerSecond * 1000) / CONNECTIONS;
    return [
      row("idle.handshakes", ours.handshakesPerSecond, "/s a core", "werift's server", werift.handshakesPerSecond),
      row("idle.cpu-per-connection", each(ours), "us a second", "werift's server", each(werift)),
      row("idle.memory-per-connection", ours.kilobytesEach, "kB", "werift's server", werift.kilobytesEach),
    ];
  },
};

function said(who: string, { handshakesPerSecond, idleCpuMsPerSecond, kilobytesEach }: Cost): string {
  return (
    `${who}: ${handshakesPerSecond.toFixed(0)} handshakes a second of CPU, ` +
    `${idleCpuMsPerSecond.toFixed(1)} ms CPU a second for all, ${kilobytesEach.toFixed(0)} kB each`
  );
}

async function measure(file: string): Promise<Cost> {
  await using server = await startMeasured<object>(file);
  const peers: RTCPeerConnection[] = [];
  const connect = async (count: number) => {
    for (let index = 0; index < count; index++) peers.push(await connected(server));
  };
  // The first ones compile the code.
  await connect(WARM_UP);
  const before = await server.memory();
  await server.start();
  await connect(CONNECTIONS);
  const { cpuMs, extra } = await server.stop();
  if (extra.connected !== WARM_UP + CONNECTIONS) throw new Error(`${extra.connected} are connected`);
  const after = await server.memory();
  await server.start();
  await new Promise((resolve) => setTimeout(resolve, SPAN_MS));
  const quiet = await server.stop();
  await Promise.all(peers.map((peer) => peer.close()));
  return {
    handshakesPerSecond: (1000 * CONNECTIONS) / cpuMs,
    idleCpuMsPerSecond: quiet.cpuMs / (quiet.wallMs / 1000),
    kilobytesEach: (after.rss - before.rss) / 1024 / CONNECTIONS,
  };
}

/** One client with an open data channel. */
async function connected(server: Measured<object>): Promise<RTCPeerConnection> {
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ["127.0.0.1"],
    iceUseIpv6: false,
  });
  const channel = peer.createDataChannel("idle");
  const offer = await peer.createOffer();
  // werift asks a public STUN server where none is configured; nothing here leaves the machine.
  for (const transport of peer.iceTransports) Object.assign(transport.connection, { stunServer: undefined });
  await peer.setLocalDescription(offer);
  const { sdp } = await server.ask({ kind: "offer", sdp: peer.localDescription?.sdp ?? "" });
  const open = channel.readyState === "open" ? undefined : channel.stateChanged.watch((state) => state === "open");
  await peer.setRemoteDescription({ type: "answer", sdp: String(sdp) });
  await open;
  return peer;
}
