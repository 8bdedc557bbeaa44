import type { ErrorCode } from "@lodeline/base";
import type {
  NumberedEvent,
  ReplayStep,
  RoomSnapshot,
  ServerMessage,
  Signal,
  TrackKind,
  View,
} from "@lodeline/protocol";
import type { Hop } from "./ladder.ts";

/** What the media plane is to do; sfu only. Ids as in the ledger; mids are those of the named participant's session. */
export type MediaOp =
  /** Forward `from`'s section `fromMid` into `to`'s receive slot `toMid`. */
  | {
      readonly op: "attach";
      readonly subscription: string;
      readonly publication: string;
      readonly from: string;
      readonly fromMid: string;
      readonly to: string;
      readonly toMid: string;
      readonly kind: TrackKind;
      /** Of a microphone: only so many of the room's are forwarded, the last that spoke. */
      readonly loudest?: number | undefined;
    }
  /** Stop that. Comes before any other `attach` into the same slot. */
  | { readonly op: "detach"; readonly subscription: string }
  /** What the receiver shows of it. Repeated after each `attach` if it is not the default. */
  | { readonly op: "view"; readonly subscription: string; readonly view: View }
  /**
   * Bring all who receive the publication to one of its encodings, the largest that arrives, and say by `media-facts` when
   * they have it; or let each have its own again. Repeated after each `attach` meanwhile.
   */
  | { readonly op: "encodings"; readonly publication: string; readonly one: boolean }
  /** Ask the publication's sender for a key frame, on behalf of the subscription. */
  | { readonly op: "key-frame"; readonly subscription: string; readonly publication: string }
  /** Forget the forwarder's rewriting state and begin with the next key frame. */
  | { readonly op: "reset-forwarder"; readonly subscription: string }
  /** The session is over: close its transport. */
  | { readonly op: "close-session"; readonly participant: string; readonly session: string };

/** Why a link no longer holds a place. */
export type UnbindCode = Extract<
  ErrorCode,
  "link/closed" | "room/replaced" | "room/removed" | "room/ended" | "room/lease-expired" | "server/draining"
>;

/** What the world must do after a step, in order. Messages go to links, because a place may change its link. */
export type RoomEffect =
  /**
   * The join is granted. The host completes it to the message `joined` (answer, ICE servers, timers), sends it, and
   * only then anything else that is told to this link. `again`: the same command came twice; nothing changed.
   */
  | {
      readonly kind: "joined";
      readonly link: string;
      readonly command: string;
      readonly participant: string;
      readonly incarnation: number;
      readonly rejoinToken: string;
      readonly seq: number;
      readonly room: RoomSnapshot;
      readonly rejoined: boolean;
      readonly again: boolean;
      /** The media sessions that go on; undefined when none were to be kept. */
      readonly kept: readonly string[] | undefined;
      /** The session named in the join, if one was. */
      readonly session: string | undefined;
    }
  /** An event was appended to the log: send it as `room-event` to these links; the log may have other readers. */
  | { readonly kind: "event"; readonly event: NumberedEvent; readonly to: readonly string[] }
  /** Send this to one link. */
  | { readonly kind: "tell"; readonly link: string; readonly message: ServerMessage }
  /** Mesh: pass a member's signal on, as `signal` of scope `room`. */
  | { readonly kind: "forward"; readonly link: string; readonly from: string; readonly signal: Signal }
  /** The link holds no place in this room any more (a `removed` message, where due, was told before). */
  | { readonly kind: "unbind"; readonly link: string; readonly participant: string; readonly code: UnbindCode }
  | { readonly kind: "media"; readonly op: MediaOp }
  /** A step of a replay, for the log: which, why, and whom it was asked of (`sfu` for the server's own media plane). */
  | {
      readonly kind: "replay";
      readonly subscription: string;
      readonly step: ReplayStep;
      readonly attempt: number;
      readonly hop: Hop;
      readonly why: string;
      readonly target: string;
      /** False: another row's replay has just asked the same of the same target; it was not asked twice. */
      readonly asked: boolean;
    }
  /** A replay is over: the media is received again, no longer intended, or a new session carries it from now on. */
  | {
      readonly kind: "replay-over";
      readonly subscription: string;
      readonly step: ReplayStep;
      readonly attempt: number;
      readonly why: "received" | "not-intended" | "unreadable" | "restarted";
      readonly tookMs: number;
    }
  /** Nobody is left, or a moderator ended the room, or the server drains: drop the machine. Every place was unbound. */
  | { readonly kind: "closed"; readonly reason: "empty" | "ended" | "drained" };
