import type { ErrorCode } from "@lodeline/base";
import type {
  CandidateInit,
  Carried,
  ForwarderStats,
  HostCandidate,
  LayerStats,
  Publication,
  PublicationStats,
  SrtpMaster,
  View,
} from "@lodeline/media";

/** Raised when a request, an answer or an event changes in a way that an older peer cannot read. */
export const ENGINE_PROTOCOL_VERSION = 1;

/** State of a transport, as W3C RTCPeerConnectionState. */
export type ConnectionState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** What a publication and its forwarders carry. */
export type MediaKind = "audio" | "video";

/** One section of an answer, as far as the control plane cares. */
export interface AnsweredSection {
  readonly mid: string;
  readonly kind: "audio" | "video" | "application";
}

/**
 * Everything that the control plane asks of a media engine: plain data, so that it crosses threads and processes. Ids are
 * the asker's; requests about one transport are done in the order in which they were asked, so nobody has to wait for one
 * answer before the next request. Times are durations, since clocks are not shared.
 */
export type EngineRequest =
  /** Opens the media sockets. */
  | { readonly kind: "ready" }
  /**
   * Makes the transport of one browser connection.
   *
   * `room`: what belongs together and is placed together; a call that belongs to nothing gives its own id. `data`: whether
   * messages of data channels come as events, or channels are only counted.
   */
  | { readonly kind: "open-transport"; readonly transport: string; readonly room: string; readonly data: DataWish }
  | { readonly kind: "answer"; readonly transport: string; readonly offerSdp: string }
  | { readonly kind: "add-candidate"; readonly transport: string; readonly candidate: CandidateInit | null }
  /** Ends a transport and what is on it. One that is not there is closed already. */
  | { readonly kind: "close-transport"; readonly transport: string }
  | {
      readonly kind: "publish";
      readonly publication: string;
      readonly transport: string;
      readonly mid: string;
      readonly media: MediaKind;
      /** The group of microphones, e.g. a room's, of which only so many are forwarded. The last number given holds. */
      readonly loudest?: { readonly group: string; readonly most: number } | undefined;
    }
  | { readonly kind: "unpublish"; readonly publication: string }
  /**
   * Brings all who receive a publication to its largest layer, told by `flow` once they have it, so that its sender may
   * stop the others; or lets each have its own again.
   */
  | { readonly kind: "prefer-one"; readonly publication: string; readonly one: boolean }
  | {
      readonly kind: "forward";
      readonly forwarder: string;
      readonly publication: string;
      readonly transport: string;
      readonly mid: string;
    }
  | { readonly kind: "unforward"; readonly forwarder: string }
  | { readonly kind: "set-view"; readonly forwarder: string; readonly view: View }
  | { readonly kind: "request-key-frame"; readonly forwarder: string }
  | { readonly kind: "reset-forwarder"; readonly forwarder: string }
  /** Fault injection: keeps a forwarder's packets back for so long, `null` until it is told 0. */
  | { readonly kind: "silence"; readonly forwarder: string; readonly forMs: number | null }
  /** Sends back what comes in on a transport, as answered last; a loopback that runs there is replaced. */
  | { readonly kind: "loop-back"; readonly transport: string }
  | {
      readonly kind: "send-data";
      readonly transport: string;
      readonly channel: number;
      readonly message: string | Uint8Array;
    }
  /** What goes on, in one batch: of one room, or of all. */
  | { readonly kind: "stats"; readonly room: string | undefined }
  | RelayRequest;

/** What a pool asks of two of its engines, so that a room can span both. */
export type RelayRequest =
  /** Opens one end of a trunk, on loopback. */
  | { readonly kind: "open-trunk"; readonly trunk: string }
  | {
      readonly kind: "connect-trunk";
      readonly trunk: string;
      readonly remote: HostCandidate;
      readonly sendKey: TrunkKey;
      readonly receiveKey: TrunkKey;
    }
  | { readonly kind: "close-trunk"; readonly trunk: string }
  /** Makes a publication ready to go over a trunk; nothing goes until layers are needed. */
  | { readonly kind: "carry"; readonly trunk: string; readonly relay: string; readonly publication: string }
  | {
      readonly kind: "need-layers";
      readonly trunk: string;
      readonly relay: string;
      readonly rids: readonly string[];
    }
  /** Takes what the other end carries, so that forwarders here may name the publication. */
  | {
      readonly kind: "take";
      readonly trunk: string;
      readonly relay: string;
      readonly publication: string;
      readonly room: string;
      readonly carried: Carried;
      readonly layers: readonly Layer[];
      /** As in `publish`: it competes here with what arrives here. */
      readonly loudest?: { readonly group: string; readonly most: number } | undefined;
    }
  | {
      readonly kind: "describe-layers";
      readonly trunk: string;
      readonly relay: string;
      readonly layers: readonly Layer[];
    }
  /** Ends carrying or taking. */
  | { readonly kind: "drop-relay"; readonly trunk: string; readonly relay: string };

/** The key of one direction of a trunk: AES-128-GCM, 16 bytes of key and 12 of salt. */
export type TrunkKey = SrtpMaster;

/** A layer of a publication, as layers are chosen by. */
export type Layer = ReturnType<Publication["layers"]>[number];

/** Whether data channels are only counted, or their messages delivered as events too. */
export type DataWish = "counted" | "delivered";

/** Names of requests. */
export type RequestKind = EngineRequest["kind"];

/** What each request is answered with. */
export interface EngineAnswers {
  readonly ready: { readonly sockets: readonly HostCandidate[] };
  readonly "open-transport": Nothing;
  readonly answer: { readonly sdp: string; readonly sections: readonly AnsweredSection[] };
  readonly "add-candidate": Nothing;
  readonly "close-transport": Nothing;
  readonly publish: Nothing;
  readonly unpublish: Nothing;
  readonly "prefer-one": Nothing;
  readonly forward: Nothing;
  readonly unforward: Nothing;
  readonly "set-view": Nothing;
  readonly "request-key-frame": Nothing;
  readonly "reset-forwarder": Nothing;
  readonly silence: Nothing;
  readonly "loop-back": Nothing;
  readonly "send-data": Nothing;
  readonly stats: EngineStats;
  readonly "open-trunk": { readonly socket: HostCandidate };
  readonly "connect-trunk": Nothing;
  readonly "close-trunk": Nothing;
  readonly carry: { readonly carried: Carried; readonly layers: readonly Layer[] };
  readonly "need-layers": Nothing;
  readonly take: Nothing;
  readonly "describe-layers": Nothing;
  readonly "drop-relay": Nothing;
}

/** An answer that says only that it was done. */
export type Nothing = Readonly<Record<string, never>>;

/** The answer to `Request`. */
export type AnswerTo<Request extends EngineRequest> = EngineAnswers[Request["kind"]];

/** A measured thing's numbers with times as ages: ms since, by the engine's clock when it answered. */
export type Aged<Stats extends object, Time extends keyof Stats> = Omit<Stats, Time> & {
  readonly idleMs: number | undefined;
};

/** What arrives of one publication. */
export interface PublicationReport extends Aged<Omit<PublicationStats, "layers">, "lastPacketAtMs"> {
  readonly publication: string;
  readonly layers: readonly Aged<LayerStats, "lastPacketAtMs">[];
}

/** What leaves by one forwarder. */
export interface ForwarderReport extends Aged<ForwarderStats, "lastSentAtMs"> {
  readonly forwarder: string;
}

/** What one engine does now, by the ids of its requests. */
export interface EngineStats {
  readonly publications: readonly PublicationReport[];
  readonly forwarders: readonly ForwarderReport[];
}

/** How busy an engine is. */
export interface EngineLoad {
  readonly transports: number;
  /** Media packets in and out, over the last second. */
  readonly packetsPerSecond: number;
  /** Share of its thread's time that was not idle, 0 .. 1. */
  readonly utilization: number;
}

/** How a publication flows. */
export interface PublicationFlow {
  readonly publication: string;
  readonly arriving: boolean;
  /** The layer to which all who receive it were brought by `prefer-one`; empty when none of them wants any. */
  readonly one?: string | undefined;
  /** Why nothing of it is forwarded though it arrives: other microphones of its group. */
  readonly held?: PublicationStats["heldBack"];
}

/** How a forwarder flows. */
export interface ForwarderFlow {
  readonly forwarder: string;
  readonly forwarded: boolean;
  /** Video: which layer, and why. */
  readonly layer?: ForwardedLayer | undefined;
}

/** The layer that a forwarder sends, and why. */
export interface ForwardedLayer {
  /** Empty where there are no layers to choose from; absent: none. */
  readonly rid?: string | undefined;
  readonly reason: NonNullable<ForwarderStats["reason"]>;
  /** Another one was chosen, and its key frame is awaited. */
  readonly waiting: boolean;
  /** In words, as of the time when anything else of this changed. */
  readonly why: string;
}

/** What an engine tells by itself. */
export type EngineEvent =
  | { readonly kind: "transport-state"; readonly transport: string; readonly connection: ConnectionState }
  | {
      readonly kind: "channel";
      readonly transport: string;
      /** Unique on its transport. */
      readonly channel: number;
      readonly label: string;
      readonly open: boolean;
    }
  /** Only where the transport was opened with `data: "delivered"`. */
  | {
      readonly kind: "data";
      readonly transport: string;
      readonly channel: number;
      readonly message: string | Uint8Array;
    }
  /** What began or ceased to flow since the last time this was told. */
  | {
      readonly kind: "flow";
      readonly publications: readonly PublicationFlow[];
      readonly forwarders: readonly ForwarderFlow[];
    }
  | { readonly kind: "load"; readonly load: EngineLoad }
  /** The layers of a carried publication are others: whoever takes it has to know. */
  | { readonly kind: "layers-seen"; readonly relay: string; readonly layers: readonly Layer[] }
  /** Forwarders need other layers of a taken publication: whoever carries it has to know. */
  | { readonly kind: "layers-needed"; readonly relay: string; readonly rids: readonly string[] };

/** An error as plain data. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly field: string | undefined;
}
