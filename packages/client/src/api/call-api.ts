import type { AbortSignalLike, Listenable } from "@lodeline/base";
import type { CallRow } from "@lodeline/participant";
import type { EndReason } from "@lodeline/protocol";
import type { DeviceWish, LocalSource, ScreenSource } from "./media-api.ts";
import type { TeardownReceipt } from "./receipt.ts";
import type { ActivePath, PlanStep } from "./room-api.ts";

/** The states of a session, as `docs/states.md` draws them. */
export type CallState = "Idle" | "OutgoingInit" | "IncomingInit" | "Negotiating" | "Active" | "Ending" | "Ended";

/** With what to call or to accept. */
export interface CallOptions {
  /** Send your voice. Default true. */
  readonly audio?: DeviceWish | undefined;
  /** Send your picture. Default false. */
  readonly video?: DeviceWish | undefined;
  /** How the other side reads you. Default: the client's name. */
  readonly name?: string | undefined;
  /** Aborting it hangs up. */
  readonly signal?: AbortSignal | undefined;
}

/** What exists only while a call is `Active`. It is gone, with everything its disposers close, when the call ends. */
export interface ActiveCall {
  /** Aborts when the call leaves `Active` for good. */
  readonly signal: AbortSignalLike;
  /** What the other side sends: one MediaStream with sound and picture. */
  readonly remoteStream: MediaStream;
  /** What this side sends. */
  readonly localStream: MediaStream;
  /** The call's data channel, open; `undefined` when the call has none. */
  readonly data: RTCDataChannel | undefined;
}

/** What a call tells. */
export interface CallEvents {
  readonly changed: { readonly call: Call };
  readonly state: { readonly state: CallState; readonly previous: CallState; readonly reason: EndReason | undefined };
  readonly track: { readonly track: MediaStreamTrack; readonly stream: MediaStream };
  /** Transport trouble (true) and its end (false); the call stays `Active`. */
  readonly interrupted: boolean;
  readonly message: string | ArrayBuffer;
  readonly step: PlanStep;
  readonly ended: { readonly reason: EndReason; readonly receipt: TeardownReceipt };
}

/** A call between two participants, or with the server peer. Owned by whoever made or accepted it. */
export interface Call extends Listenable<CallEvents>, AsyncDisposable {
  /** The session's id; the same on both sides. */
  readonly id: string;
  readonly direction: "outgoing" | "incoming";
  /** The identity of the other side. */
  readonly identity: string;
  /** How the other side reads. */
  readonly name: string;
  readonly state: CallState;
  readonly interrupted: boolean;
  /** What the caller asked for. */
  readonly wants: { readonly audio: boolean; readonly video: boolean };
  /** Why it ended; `undefined` until then. */
  readonly reason: EndReason | undefined;
  readonly microphone: LocalSource;
  readonly camera: LocalSource;
  readonly screen: ScreenSource;
  readonly remoteStream: MediaStream;
  /** The truth of what arrives, per kind: is it decoded or played here. */
  readonly receiving: { readonly audio: boolean; readonly video: boolean };
  /** The steps of its start and stop plans so far. */
  readonly steps: readonly PlanStep[];
  /** Both directions of every source, as this end knows them; empty before the call is `Active`. */
  ledger(): readonly CallRow[];
  /** Incoming only: takes the call. */
  accept(options?: CallOptions): void;
  /** Incoming only: refuses it. */
  reject(reason?: Extract<EndReason, "declined" | "busy">): void;
  /**
   * Runs `start` when the call is `Active` (at once when it is), with the only handle there is on live media. What it
   * returns is called when the call ends; several are called in reverse.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a callback that returns nothing must fit as well
  onActive(start: (active: ActiveCall) => void | (() => void)): Disposable;
  /**
   * Sends on the data channel.
   *
   * @throws LodelineError `data/not-open` when it is not open, `data/queue-full` when the other side does not read.
   */
  send(data: string | ArrayBuffer): void;
  activePath(): Promise<ActivePath | undefined>;
  /** The statistics of its connection, as the browser gives them; undefined where there is none, or none any more. */
  stats(): Promise<RTCStatsReport | undefined>;
  /** Ends it, releases its devices and closes its connection. Called again it gives the same receipt. */
  hangup(): Promise<TeardownReceipt>;
}
