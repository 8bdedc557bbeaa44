import { BUSY_PICTURE } from "./busy-picture.ts";

/** What a lab page can be told to do: the methods of its `lab`. Written as plain script, since the page is not built. */
export interface LabPageApi {
  /**
   * Connects. `publish` sends camera and microphone, `echo` sends both ways, `slots` adds that many audio and video
   * receive sections, `codec` leaves one video codec in the offer.
   */
  connect(options: {
    name: string;
    publish?: boolean;
    echo?: boolean;
    simulcast?: boolean;
    slots?: number;
    codec?: string;
    /** Layers inside one stream, in place of simulcast: `L3T3_KEY`. */
    scalabilityMode?: string;
    /** Receive slots offer to take the dependency descriptor. */
    described?: boolean;
    width?: number;
    height?: number;
    data?: boolean;
    /** A picture in place of the camera's that an encoder cannot make small: the fake camera's takes 300 kbit/s. */
    busy?: boolean;
  }): Promise<{ connectMs: number; mids: { mid: string; kind: string; direction: string }[] }>;
  /** One entry for each receiving section by mid, summed from getStats and from the elements. */
  received(): Promise<Record<string, LabReceived>>;
  restartIce(): Promise<void>;
  addSlots(count: number): Promise<string[]>;
  ping(text: string): Promise<string>;
  state(): string;
  /** Of DTLS, which the connection's own state does not show when it is closed, and of the data channel. */
  transportState(): { dtls: string; channel: string };
  srtpCipher(): Promise<string | undefined>;
  hangUp(): Promise<string[]>;
}

/** What a receiving section got. */
export interface LabReceived {
  kind: string;
  ssrc: number;
  packetsReceived: number;
  packetsLost: number;
  framesDecoded: number;
  framesShown: number;
  frameWidth: number;
  keyFramesDecoded: number;
  freezeCount: number;
  decoder: string;
  nackCount: number;
  pliCount: number;
  totalAudioEnergy: number;
  codec: string;
}

/** The lab's page: a script and nothing to see. */
export const labPage = `<!doctype html><meta charset="utf-8"><title>media lab</title><body><script>
const shown = new Map();
function play(track, mid) {
  const element = document.createElement(track.kind);
  element.autoplay = true; element.muted = false; element.playsInline = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  element.play().catch(() => {});
  if (track.kind !== "video" || !element.requestVideoFrameCallback) return;
  const count = () => { shown.set(mid, (shown.get(mid) ?? 0) + 1); element.requestVideoFrameCallback(count); };
  element.requestVideoFrameCallback(count);
}
${BUSY_PICTURE}
function onlyCodec(transceiver, kind, codec) {
  const all = RTCRtpReceiver.getCapabilities(kind).codecs;
  const main = all.filter((one) => one.mimeType.toLowerCase() === "video/" + codec);
  transceiver.setCodecPreferences([...main, ...all.filter((one) => one.mimeType.toLowerCase() === "video/rtx")]);
}
function describe(slot) {
  slot.setHeaderExtensionsToNegotiate(slot.getHeaderExtensionsToNegotiate().map((one) =>
    one.uri.includes("dependency-descriptor") ? { ...one, direction: "sendrecv" } : one));
}
async function negotiate() {
  await pc.setLocalDescription();
  const response = await fetch("/offer?name=" + name, { method: "POST", body: pc.localDescription.sdp });
  const sdp = await response.text();
  if (!response.ok) throw new Error(sdp);
  await pc.setRemoteDescription({ type: "answer", sdp });
}
let pc, name, stream, channel;
window.lab = {
  async connect(options) {
    name = options.name;
    if (options.publish || options.echo) {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: options.width ?? 1280, height: options.height ?? 720 } });
    }
    if (options.busy) {
      const [camera] = stream.getVideoTracks();
      camera.stop(); stream.removeTrack(camera);
      stream.addTrack(busyPicture(options.width ?? 1280, options.height ?? 720).getVideoTracks()[0]);
    }
    const from = performance.now();
    pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const connected = new Promise((resolve, reject) => {
      pc.addEventListener("connectionstatechange", () => {
        if (pc.connectionState === "connected") resolve(performance.now() - from);
        if (pc.connectionState === "failed") reject(new Error("failed"));
      });
    });
    pc.addEventListener("track", ({ track, transceiver }) => play(track, transceiver.mid));
    if (stream) {
      const direction = options.echo ? "sendrecv" : "sendonly";
      pc.addTransceiver(stream.getAudioTracks()[0], { direction });
      const mode = options.scalabilityMode ? { scalabilityMode: options.scalabilityMode } : {};
      const sendEncodings = options.simulcast
        ? [{ rid: "q", scaleResolutionDownBy: 4, ...mode }, { rid: "h", scaleResolutionDownBy: 2, ...mode }, { rid: "f", scaleResolutionDownBy: 1, ...mode }]
        : [mode];
      const video = pc.addTransceiver(stream.getVideoTracks()[0], { direction, sendEncodings });
      if (options.codec) onlyCodec(video, "video", options.codec);
      if (options.busy) {
        // Or the encoder makes it smaller, and then does not need the rate.
        const parameters = video.sender.getParameters();
        await video.sender.setParameters({ ...parameters, degradationPreference: "maintain-resolution" });
      }
    }
    for (let i = 0; i < (options.slots ?? 0); i++) {
      pc.addTransceiver("audio", { direction: "recvonly" });
      const slot = pc.addTransceiver("video", { direction: "recvonly" });
      if (options.codec) onlyCodec(slot, "video", options.codec);
      if (options.described) describe(slot);
    }
    if (options.data) channel = pc.createDataChannel("lab");
    await negotiate();
    const connectMs = await connected;
    const mids = pc.getTransceivers().map((one) => ({ mid: one.mid, kind: one.receiver.track.kind, direction: one.direction }));
    return { connectMs, mids };
  },
  async received() {
    const stats = await pc.getStats();
    const out = {};
    for (const one of stats.values()) {
      if (one.type !== "inbound-rtp") continue;
      out[one.mid] = {
        kind: one.kind, ssrc: one.ssrc, packetsReceived: one.packetsReceived, packetsLost: one.packetsLost ?? 0,
        framesDecoded: one.framesDecoded ?? 0, framesShown: shown.get(one.mid) ?? 0, frameWidth: one.frameWidth ?? 0,
        keyFramesDecoded: one.keyFramesDecoded ?? 0, freezeCount: one.freezeCount ?? 0,
        nackCount: one.nackCount ?? 0, pliCount: one.pliCount ?? 0, totalAudioEnergy: one.totalAudioEnergy ?? 0,
        decoder: one.decoderImplementation ?? "",
        codec: stats.get(one.codecId)?.mimeType ?? "",
      };
    }
    return out;
  },
  async restartIce() { pc.restartIce(); await negotiate(); },
  async addSlots(count) {
    const added = [];
    for (let i = 0; i < count; i++) added.push(pc.addTransceiver("video", { direction: "recvonly" }));
    await negotiate();
    return added.map((one) => one.mid);
  },
  async ping(text) {
    if (channel.readyState !== "open") await new Promise((resolve) => { channel.onopen = resolve; });
    const answer = new Promise((resolve) => { channel.onmessage = ({ data }) => resolve(data); });
    channel.send(text);
    return answer;
  },
  state: () => pc.connectionState,
  transportState: () => ({ dtls: pc.getSenders()[0].transport?.state, channel: channel?.readyState }),
  async srtpCipher() {
    for (const one of (await pc.getStats()).values()) if (one.type === "transport") return one.srtpCipher;
  },
  async hangUp() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    pc.close();
    return (stream?.getTracks() ?? []).map((track) => track.readyState);
  },
};
</script></body>`;
