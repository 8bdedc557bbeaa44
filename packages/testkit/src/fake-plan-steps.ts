import type { ErrorCode } from "@lodeline/base";
import type { TrackKind } from "@lodeline/protocol";
import type { Owned, PlanStep } from "@lodeline/session";
import type { FakeDevices } from "./fake-devices.ts";

/** What a step of a plan comes to on a fake connection. */
export type StepAct =
  | "create"
  | "close"
  | "add"
  | "remove"
  | "enable"
  | "disable"
  | "channel"
  | "close-channel"
  | "open-devices"
  | "stop-devices";

/** The steps of both plans. Those that are not named do nothing but take their time. */
export const STEP_ACTS: Partial<Record<PlanStep, StepAct>> = {
  "create-connection": "create",
  "open-devices": "open-devices",
  "add-tracks": "add",
  "open-channel": "channel",
  "enable-tracks": "enable",
  "disable-tracks": "disable",
  "release-device": "stop-devices",
  "close-channel": "close-channel",
  "close-connection": "close",
};

/** What takes a start step back. */
export const UNDO_ACTS: Partial<Record<PlanStep, StepAct>> = {
  "create-connection": "close",
  "open-devices": "stop-devices",
  "add-tracks": "remove",
  "open-channel": "close-channel",
  "enable-tracks": "disable",
};

/** The devices that a session's own plan opens. */
export interface SessionCapture {
  readonly devices: FakeDevices;
  /** In whose name: this session on this page. The next page may have the same session and asks for itself. */
  readonly holder: string;
  readonly kinds: readonly TrackKind[];
}

/**
 * Opens the devices of a session.
 *
 * @param done - Told once, later: what was opened, and the first refusal.
 */
export function openDevices(
  { devices, holder, kinds }: SessionCapture,
  done: (owned: readonly Owned[], refused: ErrorCode | undefined) => void,
): void {
  const owned: Owned[] = [];
  let left = kinds.length;
  let refused: ErrorCode | undefined;
  for (const kind of kinds) {
    devices.open(kind, holder, (code) => {
      left -= 1;
      refused ??= code;
      if (code === undefined) owned.push({ kind: "device", id: kind, state: "held" });
      if (left === 0) done(owned, refused);
    });
  }
}

/** Gives the devices of a session back. @param done - Told once, later. */
export function stopDevices({ devices, holder, kinds }: SessionCapture, done: (owned: readonly Owned[]) => void): void {
  const owned = kinds.map((kind) => ({ kind: "device", id: kind, state: "released" }) as const);
  let left = kinds.length;
  for (const kind of kinds) {
    devices.release(kind, holder, () => {
      left -= 1;
      if (left === 0) done(owned);
    });
  }
}
