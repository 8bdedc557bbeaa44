import { type LodelineError, toLodelineError } from "@lodeline/base";
import type { Call, EndReason, TeardownReceipt } from "@lodeline/client";
import { signal } from "@preact/signals";
import { nameOf, remember } from "./acquaintances.ts";
import { busy } from "./busy.ts";
import { notify } from "./notices.ts";
import { ownClient, ownName, whenCalled } from "./own-client.ts";
import { loadPreferences } from "./preferences.ts";
import { pulse } from "./pulse.ts";
import { leave, stay } from "./stay.ts";

/** A call that is over, and what became of it. */
export interface CallOver {
  readonly identity: string;
  readonly name: string;
  readonly direction: Call["direction"];
  readonly video: boolean;
  readonly reason: EndReason;
  readonly receipt: TeardownReceipt;
  /** How long the two could talk; 0 when they never could. */
  readonly talkedMs: number;
}

/** Calls that ring here, oldest first. */
export const ringing = signal<readonly Call[]>([]);
/** The call this tab makes or is in. */
export const current = signal<Call | undefined>(undefined);
/** The last call, until the person has read of it. */
export const over = signal<CallOver | undefined>(undefined);
/** Why a call could not even be tried. */
export const failed = signal<LodelineError | undefined>(undefined);

/** When calls became `Active`, by call. */
const since = new WeakMap<Call, number>();

/** Since when the two can talk, ms since the page began; `undefined` before. */
export function talkingSince(call: Call): number | undefined {
  return since.get(call);
}

/** The name of the other side, as well as it is known here. */
export function nameOfCall(call: Call): string {
  return call.name !== call.identity && call.name !== "" ? call.name : (nameOf(call.identity) ?? call.identity);
}

/** Whether this tab is in a room or a call, which answering another one would end. */
export function isEngaged(): boolean {
  return stay.value.kind === "inside" || current.value !== undefined;
}

/**
 * Calls somebody. It rings there while one goes on with whatever one does; when they answer, that ends. A call they
 * make at the same moment is the same call.
 */
export async function placeCall(identity: string, name: string | undefined, video: boolean): Promise<void> {
  over.value = undefined;
  failed.value = undefined;
  const before = current.value;
  if (before && before.identity !== identity) await before.hangup();
  if (name) remember({ identity, name });
  const { microphoneId, cameraId } = loadPreferences();
  try {
    const call = await ownClient().call(identity, {
      name: ownName(),
      audio: { deviceId: microphoneId },
      video: video && { deviceId: cameraId },
    });
    ringing.value = ringing.value.filter((one) => one !== call);
    if (current.value !== call) begin(call);
    if (call.state !== "OutgoingInit") taken(call);
  } catch (thrown) {
    failed.value = toLodelineError(thrown);
    notify(failed.value.detail);
  }
}

/** Takes a call that rings; what this tab was in before is ended. */
export function answer(call: Call, video: boolean): void {
  const { microphoneId, cameraId } = loadPreferences();
  over.value = undefined;
  ringing.value = ringing.value.filter((one) => one !== call);
  const before = current.value;
  current.value = call;
  void before?.hangup();
  call.accept({ audio: { deviceId: microphoneId }, video: video && { deviceId: cameraId } });
}

/** Lets a call know that one does not take it. */
export function refuse(call: Call, reason: "declined" | "busy"): void {
  call.reject(reason);
}

/** Has read how the last call ended. */
export function forgetOver(): void {
  over.value = undefined;
}

/** Begins to hear of calls. */
export function listenForCalls(): void {
  whenCalled((call) => {
    remember({ identity: call.identity, name: call.name });
    if (busy.value) {
      call.on("ended", () => notify(`${nameOfCall(call)} called while you were busy.`, callBack(call)));
      call.reject("busy");
      return;
    }
    follow(call);
    ringing.value = [...ringing.value, call];
  });
}

function begin(call: Call): void {
  current.value = call;
  follow(call);
}

function follow(call: Call): void {
  call.on("changed", pulse);
  call.on("state", ({ state }) => {
    if (state === "Negotiating" || state === "Active") taken(call);
    if (state === "Active" && !since.has(call)) since.set(call, performance.now());
    pulse();
  });
  call.on("ended", ({ reason, receipt }) => ended(call, reason, receipt));
  if (call.state === "Ended") pulse();
}

/** It is agreed that the two talk: from now on this tab does nothing else. */
function taken(call: Call): void {
  ringing.value = ringing.value.filter((one) => one !== call);
  if (current.value !== call) {
    void current.value?.hangup();
    current.value = call;
  }
  if (stay.value.kind === "inside") void leave();
}

function ended(call: Call, reason: EndReason, receipt: TeardownReceipt): void {
  const rang = ringing.value.includes(call);
  ringing.value = ringing.value.filter((one) => one !== call);
  if (rang) notifyUnanswered(call, reason);
  if (current.value !== call) return;
  const began = since.get(call);
  const { identity, direction } = call;
  const summary: CallOver = {
    identity,
    name: nameOfCall(call),
    direction,
    video: call.wants.video,
    reason,
    receipt,
    talkedMs: began === undefined ? 0 : Math.max(0, performance.now() - began - receipt.durationMs),
  };
  current.value = undefined;
  // Still in the room, since nobody answered: a word is enough there.
  if (stay.value.kind === "inside") notify(whyOver(summary));
  else over.value = summary;
}

function notifyUnanswered(call: Call, reason: EndReason): void {
  const name = nameOfCall(call);
  if (reason === "answered-elsewhere") notify(`${name}: answered in another tab.`);
  else if (reason === "hangup" || reason === "ringing-timeout" || reason === "no-answer" || reason === "remote-gone")
    notify(`You missed a call from ${name}.`, callBack(call));
}

function callBack(call: Call): { label: string; run: () => void } {
  return { label: "Call back", run: () => void placeCall(call.identity, nameOfCall(call), call.wants.video) };
}

/** How a call ended, in a sentence for whoever was in it. */
export function whyOver({ name, reason, talkedMs, direction }: CallOver): string {
  const talked = talkedMs > 0;
  switch (reason) {
    case "declined":
      return direction === "outgoing" ? `${name} does not take the call.` : "You did not take the call.";
    case "busy":
      return direction === "outgoing" ? `${name} is busy.` : "You said that you are busy.";
    case "no-answer":
    case "ringing-timeout":
      return `${name} does not answer.`;
    case "unreachable":
      return `${name} is not reachable now: no page of theirs is open.`;
    case "answered-elsewhere":
      return "Answered in another tab.";
    case "hangup":
    case "left":
      return talked ? `The call with ${name} is over.` : `The call to ${name} was given up.`;
    case "remote-gone":
      return `${name} is gone: their page was closed, or lost its connection for too long.`;
    case "connection-failed":
    case "setup-timeout":
      return `No way was found for sound and picture between you and ${name}.`;
    case "link-lost":
      return "The connection to the server was lost for too long.";
    default:
      return `The call with ${name} ended: ${reason.replaceAll("-", " ")}.`;
  }
}
