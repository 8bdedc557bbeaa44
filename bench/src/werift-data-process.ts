import { RTCPeerConnection } from "werift";
import { measuredOptions, serveMeasured } from "./worker-process.ts";

/** One end of a data channel of werift's, in a process of its own. */
const { role } = measuredOptions<{ readonly role: "client" | "server" }>();
const MESSAGE = Buffer.alloc(16_384);
const AHEAD_BYTES = 1024 * 1024;

const peer = new RTCPeerConnection({
  iceServers: [],
  iceAdditionalHostAddresses: ["127.0.0.1"],
  iceUseIpv6: false,
});
let received = 0;
let stopped = false;
peer.onDataChannel.subscribe((channel) =>
  channel.onMessage.subscribe((message) => {
    received += message.length;
  }),
);
const channel = role === "client" ? peer.createDataChannel("flood") : undefined;

async function describe(ask: { readonly kind: string; readonly sdp?: string }): Promise<object> {
  if (ask.kind === "offer") {
    const offer = await peer.createOffer();
    // werift asks a public STUN server where none is configured; nothing here leaves the machine.
    for (const transport of peer.iceTransports) Object.assign(transport.connection, { stunServer: undefined });
    await peer.setLocalDescription(offer);
    return { sdp: peer.localDescription?.sdp };
  }
  if (ask.kind === "answer") {
    await peer.setRemoteDescription({ type: "offer", sdp: ask.sdp ?? "" });
    for (const transport of peer.iceTransports) Object.assign(transport.connection, { stunServer: undefined });
    await peer.setLocalDescription(await peer.createAnswer());
    return { sdp: peer.localDescription?.sdp };
  }
  await peer.setRemoteDescription({ type: "answer", sdp: ask.sdp ?? "" });
  while (channel?.readyState !== "open") await new Promise((resolve) => setTimeout(resolve, 5));
  return {};
}

function fill(): void {
  if (stopped || !channel) return;
  while (channel.bufferedAmount < AHEAD_BYTES) channel.send(MESSAGE);
  setImmediate(fill);
}

process.on("message", (ask: { readonly kind: string; readonly sdp?: string }) => {
  if (ask.kind === "flood") {
    fill();
    process.send?.({});
  } else if (ask.kind === "quiet") {
    stopped = true;
    process.send?.({});
  } else if (["offer", "answer", "accept"].includes(ask.kind)) {
    void describe(ask).then((answer) => process.send?.(answer));
  }
});

serveMeasured({}, () => ({ received }));
