import { LodelineError } from "@lodeline/base";
import type { Source, SourceState } from "@lodeline/protocol";
import type { DeviceChoice, DeviceProblem, LocalState } from "../api/media-api.ts";
import { onDenied, stopTrack } from "./capture.ts";
import { deviceFailure, explainDevice } from "./problems.ts";

/** Why an {@link OwnSource} changed. `ended`: capture stopped by itself; the person, the system or a cable did it. */
export type OwnSourceChange = "state" | "track" | "ended";

/** With members of W3C webrtc-svc and WebRTC (section 5.2) that the DOM's types lack. */
export type LayeredEncoding = RTCRtpEncodingParameters & { scalabilityMode?: string; codec?: RTCRtpCodec };

/** Opens the device of one source; {@link OwnSource} is handed it so that tests need no browser. */
export type OpenTrack = (choice: DeviceChoice) => Promise<MediaStreamTrack>;

/**
 * One source of one's own: what is wanted of it, the device that gives it, and what went wrong with that. It knows
 * nothing of rooms, calls or connections; whoever sends it listens for changes.
 */
export class OwnSource {
  readonly source: Source;
  /** The device to use; kept over `close`. */
  choice: DeviceChoice = {};
  /** How it is sent to a server, where not as usual. */
  encodings: LayeredEncoding[] | undefined;
  readonly #open: OpenTrack;
  readonly #changed: (source: OwnSource, change: OwnSourceChange) => void;
  #intent: SourceState["intent"] = "unpublished";
  #mutedBy: string | null = null;
  #mayUnmute = false;
  #track: MediaStreamTrack | undefined;
  #problem: DeviceProblem | undefined;
  /** Raised by every wish; what an older wish opened is closed again. */
  #wish = 0;
  #opening: Promise<MediaStreamTrack> | undefined;

  constructor(source: Source, open: OpenTrack, changed: (source: OwnSource, change: OwnSourceChange) => void) {
    this.source = source;
    this.#open = open;
    this.#changed = changed;
  }

  get intent(): SourceState["intent"] {
    return this.#intent;
  }
  get mutedBy(): string | null {
    return this.#mutedBy;
  }
  /** While muted by a moderator: whether one may open it by oneself. */
  get mayUnmute(): boolean {
    return this.#mutedBy !== null && this.#mayUnmute;
  }
  /** The capture track while there is one. */
  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }
  get problem(): DeviceProblem | undefined {
    return this.#problem;
  }
  /** Whether it may be heard or seen: wanted live and muted by nobody. */
  get audible(): boolean {
    return this.#intent === "live" && this.#mutedBy === null;
  }
  get state(): LocalState {
    if (this.#opening) return "starting";
    if (this.#problem && !this.#track) return "failed";
    if (this.#intent === "unpublished") return "off";
    if (this.audible) return this.#track ? "live" : "starting";
    return "muted";
  }

  /** Sets what is wanted. Says nothing about devices. */
  want(intent: SourceState["intent"], mutedBy: string | null = this.#mutedBy, mayUnmute = this.#mayUnmute): void {
    if (intent === this.#intent && mutedBy === this.#mutedBy && mayUnmute === this.#mayUnmute) return;
    this.#intent = intent;
    this.#mutedBy = mutedBy;
    this.#mayUnmute = mayUnmute;
    this.#tell("state");
  }

  /**
   * Opens the device unless it is open.
   *
   * @throws LodelineError `device/*`; `aborted` when a later `open`, `adopt` or `close` overtook it.
   */
  async open(choice: DeviceChoice = this.choice): Promise<MediaStreamTrack> {
    const same = choice.deviceId === this.choice.deviceId;
    this.choice = choice;
    if (same && this.#track?.readyState === "live") return this.#track;
    if (same && this.#opening) return this.#opening;
    return this.openWith(this.#open, choice);
  }

  /**
   * Opens the device in a way of the caller's own, e.g. together with another one.
   *
   * @throws As {@link open}.
   */
  async openWith(open: OpenTrack, choice: DeviceChoice = this.choice): Promise<MediaStreamTrack> {
    this.choice = choice;
    const wish = ++this.#wish;
    this.#problem = undefined;
    const opening = this.#openAs(wish, open, choice);
    this.#opening = opening;
    this.#tell("state");
    return opening;
  }

  /** Takes a track over that somebody else opened; from now on it is stopped here. */
  adopt(track: MediaStreamTrack): void {
    this.#wish += 1;
    this.#opening = undefined;
    this.#problem = undefined;
    this.#replace(track);
  }

  /** Notes that the device could not be had, when somebody else tried to open it. */
  fail(error: unknown): void {
    this.#wish += 1;
    this.#opening = undefined;
    this.#problem = explainDevice(this.source, error);
    this.#tell("state");
  }

  /** Releases the device. Settles when the capture track has ended. */
  async close(): Promise<void> {
    this.#wish += 1;
    this.#opening = undefined;
    const track = this.#track;
    this.#track = undefined;
    if (track) track.onended = null;
    this.#tell("track");
    if (track) await stopTrack(track);
  }

  async #openAs(wish: number, open: OpenTrack, choice: DeviceChoice): Promise<MediaStreamTrack> {
    let track: MediaStreamTrack;
    try {
      track = await open(choice);
    } catch (error) {
      if (wish !== this.#wish) throw new LodelineError("aborted", { cause: error });
      this.fail(error);
      throw error;
    }
    if (wish !== this.#wish) {
      await stopTrack(track);
      throw new LodelineError("aborted");
    }
    this.#opening = undefined;
    this.#replace(track);
    return track;
  }

  #replace(track: MediaStreamTrack): void {
    const old = this.#track;
    this.#track = track;
    track.onended = () => this.#ended(track);
    if (old && old !== track) {
      old.onended = null;
      old.stop();
    }
    this.#tell("track");
  }

  #ended(track: MediaStreamTrack): void {
    if (track !== this.#track) return;
    this.#track = undefined;
    // A screen's track ends because somebody pressed "stop sharing": a wish, not a fault.
    const screen = this.source === "screen" || this.source === "screen-audio";
    if (!screen) this.#problem = explainDevice(this.source, deviceFailure(this.source, "device/ended"));
    this.#tell("ended");
    const problem = this.#problem;
    // The event is the same for a cable and for a permission; what to do about it is not.
    const denied = () => problem === this.#problem && this.fail(deviceFailure(this.source, "device/denied"));
    if (!screen) void onDenied(this.source, denied);
  }

  #tell(change: OwnSourceChange): void {
    this.#changed(this, change);
  }
}
