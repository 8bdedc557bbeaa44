import { randomBytes } from "node:crypto";

/** One section of a hand-made offer. */
export interface OfferedSection {
  readonly kind: "audio" | "video";
  readonly direction: "sendonly" | "recvonly" | "sendrecv";
}

/**
 * A session description as a browser would offer it, with nobody behind it: for what happens before the first packet.
 * The mids are 0, 1, 2 ... in order, a data channel comes last.
 */
export function makeOffer(sections: readonly OfferedSection[]): string {
  const mids = [...sections, "data"].map((_, mid) => String(mid));
  const fingerprint = [...randomBytes(32)].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
  const common = (mid: number) => [
    "c=IN IP4 0.0.0.0",
    `a=ice-ufrag:${"test"}`,
    `a=ice-pwd:${"p".repeat(24)}`,
    `a=fingerprint:sha-256 ${fingerprint}`,
    "a=setup:actpass",
    `a=mid:${mid}`,
  ];
  const media = sections.flatMap(({ kind, direction }, mid) => [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${kind === "audio" ? "111" : "96 97"}`,
    ...common(mid),
    "a=rtcp-mux",
    "a=rtcp-rsize",
    `a=${direction}`,
    ...(kind === "audio" ? AUDIO_CODECS : VIDEO_CODECS),
  ]);
  return `${[
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    `a=group:BUNDLE ${mids.join(" ")}`,
    ...media,
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ...common(sections.length),
    "a=sctp-port:5000",
  ].join("\r\n")}\r\n`;
}

const AUDIO_CODECS = ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"];
const VIDEO_CODECS = [
  "a=rtpmap:96 VP8/90000",
  "a=rtcp-fb:96 nack",
  "a=rtcp-fb:96 nack pli",
  "a=rtcp-fb:96 ccm fir",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=96",
];
