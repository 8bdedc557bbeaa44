import type { Clock, Listenable, ListenOptions, Random } from "@lodeline/base";
import type {
  EndReason,
  LedgerRow,
  Moderation,
  RoomSnapshot,
  Slots,
  Source,
  Standing,
  Timers,
  Topology,
  View,
} from "@lodeline/protocol";
import type {
  LinkStateName,
  Membership,
  ParticipantEvents,
  RoomPlace,
  SessionView,
  StandingWords,
} from "./participant-events.ts";
import type { ParticipantPorts, SessionKey } from "./ports.ts";

/** What a participant is made of. */
export interface ParticipantOptions {
  readonly clock: Clock;
  /** Must be cryptographic outside tests: session ids come of it. */
  readonly random: Random;
  readonly ports: ParticipantPorts;
  /** Every wait, by name. Default: `DEFAULT_TIMERS`. What `joined` carries wins for the room. */
  readonly timers?: Partial<Timers> | undefined;
  /** The name that others read. */
  readonly name: string;
  /** A JWT; not needed where the server is open. See {@link Participant.setToken}. */
  readonly token?: string | undefined;
  /** Whether sessions carry a data channel. Default: true. */
  readonly dataChannel?: boolean | undefined;
}

/** Which room, and how. */
export interface JoinOptions {
  readonly room: string;
  /** Wanted if the room is new. Default: the server's. With `mesh` no offer to the sfu is made beforehand. */
  readonly topology?: Topology | undefined;
  /** What this participant starts with. A source that is not named is unpublished. */
  readonly sources?: Partial<Record<Source, "unpublished" | "live" | "muted">> | undefined;
  /** The place to take again, after a reload. When the server knows it no more, the join is made as new. */
  readonly rejoin?: RoomPlace | undefined;
}

/** What a call has. */
export interface CallOptions {
  readonly audio: boolean;
  readonly video: boolean;
}

/** What the edge saw of media; counts are of this session's connection and rise as long as it lives. */
export interface Observation {
  /** Own sources, of the sfu session and the pairs together. A source not named is unchanged. */
  readonly published: readonly {
    readonly source: Source;
    /** The track is live and gives frames or sound. */
    readonly captured: boolean;
    /** Packets of it left since the last observation. */
    readonly sent: boolean;
  }[];
  /**
   * Receiving sections, by session and mid, with what was decoded or played so far. The participant knows which
   * publication is in which section: by the slot table in an sfu room, by the offer's `sends` elsewhere.
   */
  readonly received: readonly { readonly key: SessionKey; readonly mid: string; readonly count: number }[];
}

/**
 * One participant, whole: link, membership of a room, sessions, reconciler, wired together without touching the world.
 * The browser SDK, bots and the simulation run this same class; they differ in the clock and the ports.
 *
 * Everything is told by events and read by getters; no method waits. Commands return an id, answered by a `command`
 * event.
 */
export declare class Participant implements Listenable<ParticipantEvents>, Disposable {
  constructor(options: ParticipantOptions);

  /** Opens the link. Does nothing when it is open or opening. */
  connect(): void;
  /** The token of the next hello; set it before an older one expires or after `auth/token-expired`. */
  setToken(token: string | undefined): void;
  /** The network came back or the page is shown again: reconnect at once. */
  wake(): void;
  /** Enters a room: `joined` or `join-failed` follows. Opens the link if need be. @throws TypeError when in a room. */
  join(options: JoinOptions): void;
  /** Leaves the room; sessions end with `left`, then `left` is told. Does nothing outside. */
  leave(): void;
  /** Says what others should receive of an own source. Shown at once, confirmed by the server. @returns command id. */
  setSource(source: Source, intent: "unpublished" | "live" | "muted"): string;
  /** Acts as a moderator. @returns command id. */
  moderate(action: Moderation): string;
  /** Says what is shown, and how large; whatever is not named is visible at default size. */
  setViews(views: readonly View[]): void;
  /** Calls a person or the server peer. @returns the session's key. @throws TypeError for the own identity. */
  call(identity: string, options: CallOptions): SessionKey;
  /** Takes a call. Does nothing when it no longer rings. */
  accept(key: SessionKey): void;
  /** Declines a call. */
  reject(key: SessionKey, reason?: EndReason): void;
  /** Ends a call or gives up calling. */
  hangup(key: SessionKey, reason?: EndReason): void;
  /** Renegotiates one session, e.g. after transceivers were added. */
  renegotiate(key: SessionKey, why: string, iceRestart?: boolean): void;
  /** Tells what the edge saw of media. */
  observe(observation: Observation): void;
  /**
   * Ends everything: calls, room, link. `closed` is true once the last session has run its stop plan.
   *
   * @param reason - `page-closed` when there is no time left: sessions are dropped and drivers closed at once.
   */
  close(reason?: "left" | "page-closed"): void;
  [Symbol.dispose](): void;

  on<Name extends keyof ParticipantEvents>(
    name: Name,
    listener: (event: ParticipantEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable;

  /** State of the link. */
  get linkState(): LinkStateName;
  /** Who the server says this is; undefined before the first welcome. */
  get identity(): string | undefined;
  /** Whether in a room. */
  get membership(): Membership;
  /** The own place in the room; undefined outside. */
  get place(): RoomPlace | undefined;
  /** The room as this participant sees it, own intents included; undefined outside. */
  get room(): RoomSnapshot | undefined;
  /** The ledger rows this participant is part of. */
  get ledger(): readonly LedgerRow[];
  /** The last slot table; undefined in a mesh. */
  get slots(): Slots | undefined;
  /** Every session there is. */
  get sessions(): readonly SessionView[];
  /** One session. */
  session(key: SessionKey): SessionView | undefined;
  /** What the local reconciler says of a publication; `off` when it is not expected. */
  standing(publication: string): Standing;
  /** The same in words. */
  words(publication: string): StandingWords;
  /** True when closed and nothing is left: no session, socket or timer. */
  get closed(): boolean;
}
