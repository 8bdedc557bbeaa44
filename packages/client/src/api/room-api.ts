import type { Listenable, LodelineError } from "@lodeline/base";
import type {
  EndReason,
  LeaveReason,
  LedgerRow,
  Moderation,
  Presence,
  Role,
  Source,
  Topology,
} from "@lodeline/protocol";
import type { PlanStep as PlanStepName, StepOutcome } from "@lodeline/session";
import type { Decryption, EncryptionOptions, RoomEncryption } from "./encryption-api.ts";
import type {
  DeviceChoice,
  DeviceProblem,
  DeviceWish,
  LocalSource,
  ScreenSource,
  ShownSize,
  TrackTruth,
} from "./media-api.ts";
import type { TeardownReceipt } from "./receipt.ts";

/** Modes of W3C webrtc-svc with several sizes: so many of them, each at so many frame rates. */
export type ScalabilityMode = `L${2 | 3}T${1 | 2 | 3}${"" | "_KEY"}`;

/** What to join and with what. */
export interface JoinOptions {
  /** The room's id. It is made if it does not exist. */
  readonly room: string;
  /** How others read you. A token's name wins over it. */
  readonly name: string;
  /** Wanted if the room is new; an existing room keeps its own. Default `sfu`. */
  readonly topology?: Topology | undefined;
  /** Default false. A device that is missing or refused never keeps anybody out: the room is joined listening. */
  readonly microphone?: DeviceWish | undefined;
  /** Default false. As `microphone`. */
  readonly camera?: DeviceWish | undefined;
  /** Join with the microphone muted (device open, nothing sent). Default false. */
  readonly startMuted?: boolean | undefined;
  /**
   * Encrypts all that is sent between the participants, so that the server cannot read it, and reads what the others
   * encrypt. The code for it is loaded then. Who joins without it is told `encrypted: no key` of what the others send.
   */
  readonly encryption?: EncryptionOptions | undefined;
  /**
   * Sends the camera in layers inside one stream of VP9, in place of simulcast, where a server chooses among them. Who cannot
   * decode VP9 sees nothing of it, and the ledger says so. Where the browser has no such encoder, and with `encryption`,
   * simulcast is sent all the same: {@link LocalSource.scalabilityMode} says what is. Default: simulcast.
   *
   * A mode that is none is refused with a `TypeError`.
   */
  readonly scalabilityMode?: ScalabilityMode | undefined;
  /** Aborting it gives the join up, or leaves the room. */
  readonly signal?: AbortSignal | undefined;
}

/** How well the room is connected. `link` is signaling, `media` the peer connections; the two are separate facts. */
export interface RoomConnection {
  /** `interrupted`: the link reconnects by itself and nothing is lost. */
  readonly link: "connecting" | "open" | "interrupted" | "closed";
  /** `interrupted`: media recovers by ICE restart. In a mesh: the worst of all pairs, `none` when alone. */
  readonly media: "none" | "connecting" | "active" | "interrupted" | "ended";
}

/** The path media takes, as far as the browser tells. */
export interface ActivePath {
  /** `relay` goes through TURN. */
  readonly type: "host" | "srflx" | "prflx" | "relay";
  /** Between this browser and the next hop; for a relay the protocol to the TURN server. */
  readonly protocol: "udp" | "tcp" | "tls";
  /** Current round trip to the other end of the connection; `undefined` before the first measurement. */
  readonly rttMs: number | undefined;
  /** What is sent and received on it since it was chosen, all overhead included where the browser counts it. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Another member of the room. The object stays the same for as long as the participant is in the room. */
export interface RemoteParticipant {
  readonly id: string;
  readonly identity: string;
  readonly name: string;
  readonly role: Role;
  /** `suspect`: the server has not heard of it for a while; it comes back or leaves. */
  readonly presence: Presence;
  /** While `suspect`: when it was last heard of, calendar ms by the server's clock. */
  readonly suspectSince: number | undefined;
  /** Microphone and camera. One and the same MediaStream always; tracks come and go in it. */
  readonly stream: MediaStream;
  /** Screen and its sound. As `stream`; empty while nothing is shared. */
  readonly screenStream: MediaStream;
  /** The truth of each source. */
  readonly sources: Readonly<Record<Source, TrackTruth>>;
  /** Loudness now, 0 .. 1, read from the receiver when asked; call it as often as you draw. */
  audioLevel(): number;
}

/** Yourself in the room. */
export interface SelfParticipant {
  readonly id: string;
  readonly identity: string;
  readonly name: string;
  readonly role: Role;
  /** What your camera shows, to be mirrored; empty while it is off. */
  readonly stream: MediaStream;
  readonly screenStream: MediaStream;
}

/** What a room tells. A late listener reads the getters. */
export interface RoomEvents {
  /** Something a page may show has changed. Comes at most once per turn of the event loop; read the getters. */
  readonly changed: { readonly room: Room };
  readonly "participant-joined": { readonly participant: RemoteParticipant };
  /** `reason` is `undefined` where the room's state came whole and no longer held them. */
  readonly "participant-left": {
    readonly participant: RemoteParticipant;
    readonly reason: LeaveReason | undefined;
  };
  /** A track was put into, or (`track` undefined) taken out of, a participant's stream. */
  readonly track: {
    readonly participant: RemoteParticipant;
    readonly source: Source;
    readonly track: MediaStreamTrack | undefined;
    readonly stream: MediaStream;
  };
  /** It is known whether a publication that is encrypted can be read here, or that has changed. */
  readonly decryption: {
    readonly participant: RemoteParticipant;
    readonly source: Source;
    readonly decryption: Decryption;
  };
  /** The words for a track have changed. */
  readonly standing: { readonly participant: RemoteParticipant; readonly truth: TrackTruth };
  readonly connection: RoomConnection;
  /** A device of one's own failed, ended, or works again (`problem` undefined). */
  readonly device: { readonly source: Source; readonly problem: DeviceProblem | undefined };
  /**
   * You were away for longer than the room waits, so your place was given up. Another one is asked for by itself, with
   * the same wishes: {@link SelfParticipant.id} changes when you have it. `removed` follows where you are not let in.
   */
  readonly "place-lost": { readonly error: LodelineError };
  /** You were taken out of the room, or your place was taken over elsewhere. `ended` follows. */
  readonly removed: { readonly error: LodelineError };
  /** A step of a start or stop plan is over. */
  readonly step: PlanStep;
  /** The room is over for you; nothing happens after it. */
  readonly ended: { readonly reason: EndReason; readonly receipt: TeardownReceipt };
}

/** One step of a start plan (12), of a stop plan (7), or of taking a start back. */
export interface PlanStep {
  /** Which session: `sfu`'s, a pair's or a call's. */
  readonly session: string;
  readonly plan: "start" | "stop" | "undo";
  readonly step: PlanStepName;
  /** `done`, `failed`, `skipped` (nothing to do), `abandoned` (ended meanwhile) or `timed-out`. */
  readonly outcome: StepOutcome;
  readonly durationMs: number;
  /** Why it failed. */
  readonly error?: LodelineError | undefined;
}

/** A room you are in. Owned by whoever joined: `await using`, or `leave()`. */
export interface Room extends Listenable<RoomEvents>, AsyncDisposable {
  readonly id: string;
  readonly topology: Topology;
  readonly locked: boolean;
  readonly connection: RoomConnection;
  /** Yourself. */
  readonly self: SelfParticipant;
  /** The others, by participant id, in the order in which they came. */
  readonly participants: ReadonlyMap<string, RemoteParticipant>;
  readonly microphone: LocalSource;
  readonly camera: LocalSource;
  readonly screen: ScreenSource;
  /** Keys and passphrase; `undefined` where it was joined without. */
  readonly encryption: RoomEncryption | undefined;
  /** The last steps of the start and stop plans, oldest first: those before anybody could listen are here as well. */
  readonly steps: readonly PlanStep[];
  /** False once it is over. */
  readonly joined: boolean;

  /** Uses another device: at once when the source is on, else the next time. Throws as {@link LocalSource.on}. */
  setDevice(source: "microphone" | "camera", choice: DeviceChoice): Promise<void>;
  /**
   * Does what a moderator may.
   *
   * @throws LodelineError `auth/forbidden` for anybody else, `room/unknown-participant`.
   */
  moderate(action: Moderation): Promise<void>;
  /** Says how large a video is shown. {@link attachVideo} does it by itself. */
  show(participantId: string, source: Source, size: ShownSize): void;
  /** Every ledger row that concerns you: what you receive and what others receive of you. */
  ledger(): readonly LedgerRow[];
  /** The path of each connection; one in an sfu room. `undefined` while not connected. */
  activePath(participantId?: string): Promise<ActivePath | undefined>;
  /** The statistics of each connection, by session id, as the browser gives them; without one that ends meanwhile. For diagnosis. */
  stats(): Promise<ReadonlyMap<string, RTCStatsReport>>;
  /**
   * Leaves, releases every device and closes every connection. Called again it gives the same receipt.
   *
   * @returns What became of everything the room owned.
   */
  leave(): Promise<TeardownReceipt>;
}
