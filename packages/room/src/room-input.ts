import type { MonoMs } from "@lodeline/base";
import type {
  ClientMessage,
  HeldBack,
  LayerChoice,
  ReceiveSection,
  Role,
  SendSection,
  Sources,
} from "@lodeline/protocol";

/** State of a transport, as W3C RTCPeerConnectionState. */
export type TransportState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** What a member says that the room itself answers. `join` is an input of its own; `signal` only between members. */
export type RoomMessage = Extract<
  ClientMessage,
  { type: "leave" | "media-state" | "moderate" | "view" | "receipt" | "replay-request" | "signal" }
>;

/**
 * Somebody asks for a place. Chance comes in from outside, so that the room stays a pure function: `fresh` holds what
 * to use if the place is a new one (the id) and the token of this join (always).
 */
export interface JoinInput {
  readonly kind: "join";
  /** The link it came by; messages to the participant go there. */
  readonly link: string;
  /** Id of the command. The same id on the same link gets the same answer again and has no second effect. */
  readonly command: string;
  /** Who asks, from its token. */
  readonly identity: string;
  readonly name: string;
  /** What it begins as, from its token. */
  readonly role: Role;
  /** The most that a moderator may make of it, from its token. Default: `role`. */
  readonly maxRole?: Role | undefined;
  /** What it starts with. `mutedBy` is ignored; a viewer's are all taken as `unpublished`. */
  readonly sources: Sources;
  /** Takes an earlier place at once. */
  readonly rejoin?: { readonly participant: string; readonly token: string } | undefined;
  /**
   * With `rejoin`: the media sessions that work at this page's end. Where they live here too, the place only changes its
   * link. In a mesh, pairs that are not named are renewed. Absent: a page loaded anew, which has none.
   */
  readonly keeps?: readonly string[] | undefined;
  /** sfu: id of the session whose offer came with the join. Its sections follow by `connection` once it is answered. */
  readonly session?: string | undefined;
  /** A new participant id (`createId(random, "p")`) and a new secret (`createSecret(random)`). */
  readonly fresh: { readonly participant: string; readonly rejoinToken: string };
}

/** What happens to a room. */
export type RoomInput =
  | JoinInput
  /** A member's message. One by a link that does not hold the place is answered `room/not-member`. */
  | { readonly kind: "message"; readonly participant: string; readonly link: string; readonly message: RoomMessage }
  /**
   * sfu: the participant's media session. `sends`, `receives` and `videoCodecs`, which it has offered, are given after each
   * answer (they replace the earlier ones), `state` at each change. One of another session than the place's is ignored.
   */
  | {
      readonly kind: "connection";
      readonly participant: string;
      readonly session: string;
      readonly sends?: readonly SendSection[] | undefined;
      readonly receives?: readonly ReceiveSection[] | undefined;
      readonly videoCodecs?: readonly string[] | undefined;
      readonly state?: TransportState | undefined;
    }
  /** sfu: what the media plane sees; only what changed need be given. Unknown ids are ignored. */
  | {
      readonly kind: "media-facts";
      /**
       * Whether packets of a publication arrive at the server. `one`: the RID of the encoding to which all who receive it
       * were brought, after the operation `encodings`; empty when none of them receives any.
       */
      readonly publications: readonly {
        readonly publication: string;
        readonly arriving: boolean;
        readonly one?: string | undefined;
        /** Why nothing of it is forwarded to anybody, though it arrives; absent when it is. */
        readonly held?: HeldBack | undefined;
      }[];
      /** Whether packets of a subscription leave the server, and of video in which layer, and why. */
      readonly subscriptions: readonly {
        readonly subscription: string;
        readonly forwarded: boolean;
        readonly layer?: LayerChoice | undefined;
      }[];
    }
  /**
   * The link of a place is not heard of. `heardAt`: when it last was; by default now. `bye`: its page said goodbye, to
   * be left or loaded anew. Another link's is ignored.
   */
  | {
      readonly kind: "link-lost";
      readonly participant: string;
      readonly link: string;
      readonly heardAt?: MonoMs | undefined;
      readonly bye?: boolean | undefined;
    }
  /** It is heard of again. */
  | { readonly kind: "link-back"; readonly participant: string; readonly link: string }
  /** The first input of a room whose state came out of a store: nobody is there yet, and no media flows. */
  | { readonly kind: "restored" }
  /** The server goes away: everybody is told and leaves. */
  | { readonly kind: "drain"; readonly reason: string };
