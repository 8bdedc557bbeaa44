import type { ErrorCode, WallMs } from "@lodeline/base";
import type { Encryption, LedgerRow, ReplayStep, Source, SourceState, Standing } from "@lodeline/protocol";
import type { Decryption } from "./encryption-api.ts";

/**
 * The truth of one track in words, for a tile. Exactly these texts, so that a page can style, translate and test them.
 *
 * - `live`: it is intended, and its frames are decoded or its sound is played here.
 * - `connecting`: it is intended and still within the receipt window.
 * - `missing: asking again`: it is intended, has not arrived in time, and a replay runs.
 * - `muted by them`: the participant muted it.
 * - `muted by a moderator`: a moderator did; only a moderator lifts it.
 * - `speaking, not forwarded`: as many others as the room forwards speak too, or spoke later.
 * - `paused: bandwidth`: the path to here carries not even its lowest layer; it comes back by itself.
 * - `never sent`: the participant does not publish it.
 * - `encrypted: no key`: it comes encrypted end to end, and there is no key for it here.
 * - `encrypted: wrong key`: it comes encrypted with another key or passphrase than the one that is known here.
 */
export type TrackWords =
  | "live"
  | "connecting"
  | "missing: asking again"
  | "muted by them"
  | "muted by a moderator"
  | "speaking, not forwarded"
  | "paused: bandwidth"
  | "never sent"
  | "encrypted: no key"
  | "encrypted: wrong key";

/** What is known of one source of one other participant: what should be here, and what is. */
export interface TrackTruth {
  readonly source: Source;
  /** What the participant wants of it, as the server keeps it. */
  readonly intent: SourceState["intent"];
  /** The moderator (participant id) who muted it, or null. */
  readonly mutedBy: string | null;
  /** Beside `mutedBy`: whether the participant may open it by itself. */
  readonly mayUnmute: boolean;
  /** What the ledger row comes to; `off` where there is no row. */
  readonly standing: Standing;
  /** The same in words, for people. */
  readonly words: TrackWords;
  /** The five facts, each with version and time; `undefined` until the server told of the row. */
  readonly facts: LedgerRow["facts"] | undefined;
  /** The replay that runs, or null. */
  readonly replay: { readonly step: ReplayStep; readonly attempt: number; readonly since: WallMs } | null;
  /** How it is encrypted end to end; `undefined`: not at all, the server can read it. */
  readonly encryption: Encryption | undefined;
  /** Whether it can be read here; `undefined` where it is not encrypted, or nothing came yet. */
  readonly decryption: Decryption | undefined;
  /** The track that plays it. Present whenever a receive slot or section is assigned, even before media arrives. */
  readonly track: MediaStreamTrack | undefined;
}

/** Something that kept a device from being used, and what the person can do about it. */
export interface DeviceProblem {
  readonly source: Source;
  /** Which of the five kinds it is. */
  readonly code: Extract<ErrorCode, `device/${string}`>;
  /** What happened, one sentence, for a person. */
  readonly title: string;
  /** What to do about it, one sentence, for a person. */
  readonly advice: string;
  /** The DOM exception's name, for logs and reports; `undefined` when the device ended by itself. */
  readonly cause: string | undefined;
}

/** How a camera or microphone is chosen. `true`: the default device. A track: use it, the room owns it from then on. */
export type DeviceWish = boolean | DeviceChoice | MediaStreamTrack;

/** One device, chosen. */
export interface DeviceChoice {
  /** From {@link listDevices}. The default device when left out, or when that one is no longer there. */
  readonly deviceId?: string | undefined;
}

/** What a source of one's own is doing. `starting` covers the browser's permission prompt. */
export type LocalState = "off" | "starting" | "live" | "muted" | "failed";

/** A camera or microphone of one's own. Its methods may be called in any order; the last one wins. */
export interface LocalSource {
  readonly source: Source;
  readonly state: LocalState;
  /**
   * Who muted it by force (participant id), or null. While set, `unmute` and `on` are refused with `auth/forbidden`, unless
   * `mayUnmute`.
   */
  readonly mutedBy: string | null;
  /** Muted by a moderator who leaves it to you to open it again. */
  readonly mayUnmute: boolean;
  /** What is captured now; `undefined` while off, starting or failed, and for a muted camera. */
  readonly track: MediaStreamTrack | undefined;
  /** The device in use, or the one that will be used next. */
  readonly deviceId: string | undefined;
  /** Why it failed, until the next attempt. */
  readonly problem: DeviceProblem | undefined;
  /**
   * In which mode of W3C webrtc-svc it is sent to a server; `undefined`: as simulcast, or in one encoding, since no mode was
   * asked for or there is none for it here. {@link JoinOptions.scalabilityMode}.
   */
  readonly scalabilityMode: string | undefined;
  /**
   * Opens the device and publishes it; needs no negotiation.
   *
   * @returns Settles when the track is live here; others follow.
   * @throws LodelineError `device/*` when the device cannot be had; the room goes on. `auth/forbidden` for a viewer.
   */
  on(options?: DeviceChoice): Promise<void>;
  /** Stops publishing and releases the device. Settles when the capture track has ended. Others read `never sent`. */
  off(): Promise<void>;
  /** Keeps it published, silent or dark: others read `muted by them`. A camera's device is released (its light goes off). */
  mute(): Promise<void>;
  /** Undoes {@link mute}: opens the device again where it was released. Throws as {@link on}. */
  unmute(): Promise<void>;
}

/** Sharing the screen. Stopping it from the browser's own bar does the same as {@link stop}. */
export interface ScreenSource {
  readonly state: LocalState;
  readonly mutedBy: string | null;
  /** As {@link LocalSource.mayUnmute}. */
  readonly mayUnmute: boolean;
  readonly track: MediaStreamTrack | undefined;
  /** The sound of the shared tab or screen, where the browser offers it and the person ticked it. */
  readonly audioTrack: MediaStreamTrack | undefined;
  readonly problem: DeviceProblem | undefined;
  /**
   * Asks the person what to share and publishes it. Call it from a click: browsers insist.
   *
   * @throws LodelineError `device/denied` when the person closed the dialog, `device/unsupported` where there is none.
   */
  start(options?: ScreenOptions): Promise<void>;
  /** Stops sharing. Settles when the capture tracks have ended. */
  stop(): Promise<void>;
}

/** How the screen is shared. */
export interface ScreenOptions {
  /** Ask for sound as well. Default true. */
  readonly audio?: boolean | undefined;
  /**
   * `text` keeps letters sharp at few frames, and is sent in AV1 while everybody in the room can decode that; `motion` keeps
   * video smooth. Default `text`.
   */
  readonly content?: "text" | "motion" | undefined;
}

/** How large a video is shown, for the server to choose a layer by. */
export interface ShownSize {
  /** Shown width in device pixels. */
  readonly width: number;
  /** Shown height in device pixels. */
  readonly height: number;
  /** False: scrolled away or hidden; the server sends nothing until it is true again. Default true. */
  readonly visible?: boolean | undefined;
  /** 0 .. 9, higher comes first when bandwidth is short. Default 0; 5 for a screen. */
  readonly priority?: number | undefined;
}
