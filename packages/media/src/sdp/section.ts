import { DEPENDENCY_DESCRIPTOR_URI, TRANSPORT_SEQUENCE_URI } from "@lodeline/rtp";
import type { SectionCodec } from "./codecs.ts";
import type { Direction } from "./offer.ts";

/** Header extensions that are agreed to. */
export const EXTENSION_URI = {
  mid: "urn:ietf:params:rtp-hdrext:sdes:mid",
  rid: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
  repairedRid: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
  audioLevel: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  transportSequence: TRANSPORT_SEQUENCE_URI,
  dependencyDescriptor: DEPENDENCY_DESCRIPTOR_URI,
} as const;

/** Names of {@link EXTENSION_URI}. */
export type ExtensionName = keyof typeof EXTENSION_URI;

/** The SSRCs of what we send in one section. */
export interface SectionSsrcs {
  readonly ssrc: number;
  readonly rtxSsrc: number;
}

/** One section of the transport as negotiated. */
export interface Section {
  readonly mid: string;
  readonly kind: "audio" | "video" | "application";
  /** Ours: `sendonly` is a receive slot of the other side. */
  readonly direction: Direction;
  /** Simulcast layers the browser may send, in its order. */
  readonly rids: readonly string[];
  /** SSRC that we send in this section, fixed for the life of the transport. */
  readonly sendSsrc: number | undefined;
  /** SSRC of our retransmissions. */
  readonly rtxSsrc: number | undefined;
  /** Best first. */
  readonly codecs: readonly SectionCodec[];
  /** Agreed header extension ids. */
  readonly extensions: Partial<Readonly<Record<ExtensionName, number>>>;
  /** SSRCs the browser announced for what it sends. */
  readonly remoteSsrcs: readonly { readonly ssrc: number; readonly rtxSsrc: number | undefined }[];
  /** The section is refused or out of use (port 0). */
  readonly rejected: boolean;
}
