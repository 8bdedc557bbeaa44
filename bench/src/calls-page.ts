import { BUSY_PICTURE } from "../../e2e/support/busy-picture.ts";

/** What a page of the calls bench can be told to do: the methods of its `call`. */
export interface CallPageApi {
  /** Makes the connection. A sender gets a busy picture at 720p and a microphone. */
  open(options: { sends: boolean; simulcast?: boolean }): Promise<void>;
  /** A whole offer, with all candidates. A receiver asks for one sound and one picture. */
  offer(): Promise<string>;
  /** Takes an offer and gives a whole answer. */
  answer(sdp: string): Promise<string>;
  accept(sdp: string): Promise<void>;
  connected(): Promise<void>;
  /** Forgets gaps and counters so far: what follows is measured by itself. */
  mark(): Promise<void>;
  measure(): Promise<CallMeasure>;
  close(): void;
}

/** What was measured since the mark. */
export interface CallMeasure {
  readonly ms: number;
  /** Whole RTP, repairs and probes included, UDP and IP not. */
  readonly sentBps: number;
  readonly receivedBps: number;
  /** The sender's own estimate, and what it asks of its encoders. */
  readonly estimateBps: number;
  readonly targetBps: number;
  readonly framesShown: number;
  /** Longest time between two frames shown. */
  readonly longestFrameGapMs: number;
  readonly frameWidth: number;
  /** Share of played sound that was made up, 0 .. 1. */
  readonly concealed: number;
  /** Longest time in which nearly all of it was made up, in steps of 100 ms. */
  readonly longestSilenceMs: number;
  readonly nacks: number;
  readonly keyFrames: number;
}

/** The bench's page: a script and nothing to see. */
export const callsPage = `<!doctype html><meta charset="utf-8"><title>calls</title><body><script>
${BUSY_PICTURE}
let pc, stream, gathered, whenConnected, before, frames, width = 0, sound;
const play = (track) => {
  const element = document.createElement(track.kind);
  element.autoplay = true; element.playsInline = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  element.play().catch(() => {});
  if (track.kind !== "video") return;
  const shown = (now) => {
    if (frames.last !== undefined) frames.gap = Math.max(frames.gap, now - frames.last);
    frames.last = now; frames.count++; width = element.videoWidth;
    element.requestVideoFrameCallback(shown);
  };
  element.requestVideoFrameCallback(shown);
};
const counters = async () => {
  const now = { at: performance.now(), sent: 0, received: 0, estimate: 0, target: 0, samples: 0, concealed: 0, nacks: 0, keyFrames: 0 };
  for (const one of (await pc.getStats()).values()) {
    const tag = 16;
    if (one.type === "outbound-rtp") {
      now.sent += one.bytesSent + one.headerBytesSent + tag * one.packetsSent;
      now.target += one.targetBitrate ?? 0;
    }
    if (one.type === "candidate-pair" && one.nominated) now.estimate = one.availableOutgoingBitrate ?? 0;
    if (one.type === "inbound-rtp") {
      now.received += one.bytesReceived + one.headerBytesReceived + tag * one.packetsReceived;
      if (one.kind === "audio") { now.samples = one.totalSamplesReceived; now.concealed = one.concealedSamples; }
      else { now.nacks = one.nackCount; now.keyFrames = one.keyFramesDecoded; }
    }
  }
  return now;
};
const fresh = () => { frames = { last: frames?.last, gap: 0, count: 0 }; sound = { run: 0, longest: 0 }; };
const listen = async () => {
  let last = await counters();
  while (pc.connectionState !== "closed") {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = await counters();
    const played = now.samples - last.samples;
    const made = now.concealed - last.concealed;
    sound.run = played > 0 && made > 0.9 * played ? sound.run + (now.at - last.at) : 0;
    sound.longest = Math.max(sound.longest, sound.run);
    last = now;
  }
};
window.call = {
  async open({ sends, simulcast }) {
    pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    gathered = new Promise((resolve) => pc.addEventListener("icecandidate", ({ candidate }) => { if (!candidate) resolve(); }));
    whenConnected = new Promise((resolve) => pc.addEventListener("connectionstatechange", () => { if (pc.connectionState === "connected") resolve(); }));
    pc.addEventListener("track", ({ track }) => play(track));
    fresh();
    // Both are allowed devices: only then are their addresses told.
    stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: !sends ? false : { width: 1280, height: 720 } });
    if (!sends) return;
    for (const track of stream.getVideoTracks()) track.stop();
    pc.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly" });
    const sendEncodings = simulcast
      ? [{ rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" }]
      : [{}];
    const video = pc.addTransceiver(busyPicture(1280, 720).getVideoTracks()[0], { direction: "sendonly", sendEncodings });
    const parameters = video.sender.getParameters();
    await video.sender.setParameters({ ...parameters, degradationPreference: "maintain-resolution" });
  },
  async offer() {
    if (pc.getTransceivers().length === 0) {
      pc.addTransceiver("audio", { direction: "recvonly" });
      pc.addTransceiver("video", { direction: "recvonly" });
    }
    await pc.setLocalDescription();
    await gathered;
    return pc.localDescription.sdp;
  },
  async answer(sdp) {
    await pc.setRemoteDescription({ type: "offer", sdp });
    await pc.setLocalDescription();
    await gathered;
    return pc.localDescription.sdp;
  },
  async accept(sdp) { await pc.setRemoteDescription({ type: "answer", sdp }); },
  async connected() { await whenConnected; void listen(); before = await counters(); fresh(); },
  async mark() { before = await counters(); fresh(); },
  async measure() {
    const now = await counters();
    const ms = now.at - before.at;
    const rate = (name) => ((now[name] - before[name]) * 8000) / ms;
    const open = frames.last === undefined ? ms : performance.now() - frames.last;
    return {
      ms, sentBps: rate("sent"), receivedBps: rate("received"), estimateBps: now.estimate, targetBps: now.target,
      framesShown: frames.count, longestFrameGapMs: Math.max(frames.gap, open), frameWidth: width,
      concealed: (now.concealed - before.concealed) / Math.max(1, now.samples - before.samples),
      longestSilenceMs: sound.longest, nacks: now.nacks - before.nacks, keyFrames: now.keyFrames - before.keyFrames,
    };
  },
  close() { pc.close(); for (const track of stream?.getTracks() ?? []) track.stop(); },
};
</script></body>`;
