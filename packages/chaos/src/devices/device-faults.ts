import { systemClock } from "@lodeline/base";
import { FaultDesk, type RunningFault } from "../fault-desk.ts";
import { type Fault, has, textOf } from "../language/fault.ts";
import { Lies } from "./lies.ts";

/** A source that a fault can hit. */
export type DeviceKind = "camera" | "microphone" | "screen";

/** Options of {@link DeviceFaults}. */
export interface DeviceFaultsOptions {
  /** Tracks captured before the faults were installed, asked for at each fault. Default: none are known. */
  readonly tracks?: (() => readonly MediaStreamTrack[]) | undefined;
}

/**
 * The devices of a page, made to fail as browsers let them fail: tracks end with their event, `getUserMedia` and
 * `getDisplayMedia` refuse with the standard's names or never answer, the list of devices and the permissions say the
 * same. While no fault is at work everything is as it was. Install it before devices are opened.
 */
export class DeviceFaults implements Disposable {
  /** Starts, lists and stops faults such as `device:pull,kind=camera+10s`. */
  readonly desk: FaultDesk;
  readonly #lies: Lies;
  readonly #known: (() => readonly MediaStreamTrack[]) | undefined;

  constructor(options: DeviceFaultsOptions = {}) {
    this.#known = options.tracks;
    this.#lies = new Lies(navigator);
    const clock = systemClock({
      now: () => performance.now(),
      wall: () => Date.now(),
      setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
      clearTimer: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
    });
    this.desk = new FaultDesk({ clock, performers: { device: (fault) => this.#perform(fault) } });
  }

  /** Stops every fault and gives the page its own devices back. */
  [Symbol.dispose](): void {
    this.desk.stopAll();
    this.#lies[Symbol.dispose]();
  }

  #perform(fault: Fault): RunningFault {
    const kind = (textOf(fault, "kind") ?? "camera") as DeviceKind;
    const lie = { kind, how: howOf(fault), asked: 0 };
    this.#lies.tell(lie);
    // Busy and silent are about opening: what is open stays open.
    const ended = lie.how === "missing" || lie.how === "denied" ? this.#endTracks(kind) : 0;
    return { stop: () => this.#lies.withdraw(lie), counters: () => ({ asked: lie.asked, ended }) };
  }

  /** @returns How many there were. */
  #endTracks(kind: DeviceKind): number {
    let ended = 0;
    for (const track of new Set([...this.#lies.tracks(kind), ...this.#knownOf(kind)])) {
      if (track.readyState === "ended") continue;
      // `stop` fires no event, since whoever calls it knows; a device that goes away does (W3C mediacapture-main 4.3.1).
      track.stop();
      track.dispatchEvent(new Event("ended"));
      ended++;
    }
    return ended;
  }

  #knownOf(kind: DeviceKind): readonly MediaStreamTrack[] {
    return (this.#known?.() ?? []).filter((track) => kindOf(track) === kind);
  }
}

/** What a track is of. Only a captured surface has a `displaySurface` (W3C screen-capture section 6.2). */
function kindOf(track: MediaStreamTrack): DeviceKind {
  if ("displaySurface" in track.getSettings()) return "screen";
  return track.kind === "video" ? "camera" : "microphone";
}

function howOf(fault: Fault): "missing" | "busy" | "denied" | "silent" {
  if (has(fault, "pull")) return "missing";
  if (has(fault, "busy")) return "busy";
  return has(fault, "withdraw") ? "denied" : "silent";
}
