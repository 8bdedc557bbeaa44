import type { MonoMs } from "@lodeline/base";

/** State of a transport, as W3C RTCPeerConnectionState. */
export type ConnectionState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** One section of an answer, as far as the server cares. */
export interface SectionPart {
  readonly mid: string;
  readonly kind: "audio" | "video" | "application";
}

/** A data channel that the client opened. */
export interface ChannelPart {
  on(name: "close", listener: () => void): Disposable;
}

/** What the server uses of the engine's `Transport`: one client's bundled connection. */
export interface TransportPart {
  answer(offerSdp: string): Promise<{ readonly sdp: string; readonly sections: readonly SectionPart[] }>;
  addCandidate(candidate: CandidatePart | null): Promise<void>;
  readonly state: { readonly connection: ConnectionState };
  on(name: "state", listener: (state: { readonly connection: ConnectionState }) => void): Disposable;
  on(name: "datachannel", listener: (channel: ChannelPart) => void): Disposable;
  close(): Promise<void>;
}

/** A remote candidate, as W3C RTCIceCandidateInit. */
export interface CandidatePart {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly usernameFragment?: string | undefined;
}

/** What the server uses of the engine's `Publication`. */
export interface PublicationPart {
  stats(): { readonly lastPacketAtMs: MonoMs | undefined };
  close(): void;
}

/** What the server uses of the engine's `Forwarder`. */
export interface ForwarderPart {
  setView(view: { width: number; height: number; visible: boolean; priority: number }): void;
  requestKeyFrame(): void;
  reset(): void;
  silence(untilMs: MonoMs): void;
  stats(): { readonly lastSentAtMs: MonoMs | undefined };
  close(): void;
}

/**
 * What the server uses of the media engine. The engine of `@lodeline/media` fits it; unit tests put a small one of
 * their own in its place, so that what is decided here runs in virtual time.
 */
export interface EnginePart {
  /** @throws LodelineError `media/bind-failed`. */
  createTransport(options: { readonly id: string }): TransportPart;
  /** @throws LodelineError `media/unknown-section`, `media/closed`. */
  publish(options: { id: string; transport: TransportPart; mid: string; kind: "audio" | "video" }): PublicationPart;
  /** @throws LodelineError `media/unknown-section`, `media/closed`. */
  forward(options: { id: string; publication: PublicationPart; transport: TransportPart; mid: string }): ForwarderPart;
  close(): Promise<void>;
}
