import { RTCPeerConnection } from "werift";
import { serveMeasured } from "./worker-process.ts";

// The same with werift's peer connections.
const peers: RTCPeerConnection[] = [];

async function answer(sdp: string): Promise<string> {
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ["127.0.0.1"],
    iceUseIpv6: false,
  });
  peers.push(peer);
  await peer.setRemoteDescription({ type: "offer", sdp });
  // werift asks a public STUN server where none is configured; nothing here leaves the machine.
  for (const transport of peer.iceTransports) Object.assign(transport.connection, { stunServer: undefined });
  await peer.setLocalDescription(await peer.createAnswer());
  return peer.localDescription?.sdp ?? "";
}

process.on("message", (ask: { readonly kind: string; readonly sdp?: string }) => {
  if (ask.kind === "offer") void answer(ask.sdp ?? "").then((sdp) => process.send?.({ sdp }));
});

serveMeasured({}, () => ({ connected: peers.filter(({ connectionState }) => connectionState === "connected").length }));
