import { toLodelineError } from "@lodeline/base";
import type { FaultDesk } from "@lodeline/chaos/devices";
import { signal } from "@preact/signals";
import { current } from "./calls.ts";
import { serverCall, stay } from "./stay.ts";

/** One fault that can be asked for, as the server lists it. */
export interface FaultEntry {
  readonly name: string;
  readonly what: string;
  readonly at: "server" | "page";
  readonly parameters: readonly { readonly name: string; readonly what: string }[];
  readonly example: string;
}

/** A fault at work. */
export interface ActiveFault {
  readonly id: string;
  readonly spec: string;
  readonly since: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** What can be broken here on purpose, and what is broken now; `undefined` where the server does not offer it. */
export const faults = signal<
  { readonly catalogue: readonly FaultEntry[]; readonly active: readonly ActiveFault[] } | undefined
>(undefined);

/** Ids of the page's own faults begin with this, since the server counts as well. */
const HERE = "page:";
let devices: Promise<FaultDesk> | undefined;
let desk: FaultDesk | undefined;

/** Makes this page's devices ones that can fail; best before they are opened. Loaded only where somebody asks for it. */
export function prepareDevices(): Promise<FaultDesk> {
  devices ??= import("@lodeline/chaos/devices").then(({ DeviceFaults }) => {
    desk = new DeviceFaults({ tracks: ownTracks }).desk;
    return desk;
  });
  return devices;
}

/** Asks the server anew. A server without faults has nothing at this path. */
export async function readFaults(): Promise<void> {
  const response = await fetch("/v1/faults").catch(() => undefined);
  // A server that is killed or frozen on purpose does not answer: what was known stays.
  if (!response) return;
  if (!response.ok) {
    faults.value = undefined;
    return;
  }
  const { catalogue, active } = (await response.json()) as {
    catalogue: readonly FaultEntry[];
    active: readonly ActiveFault[];
  };
  faults.value = {
    catalogue,
    active: [...active, ...(desk?.active ?? []).map((fault) => ({ ...fault, id: `${HERE}${fault.id}` }))],
  };
}

/**
 * Begins a fault.
 *
 * @returns Why it could not be begun; `undefined` when it was.
 */
export async function beginFault(spec: string): Promise<string | undefined> {
  const name = spec.trim().split(/[:@+]/, 1)[0];
  const entry = faults.value?.catalogue.find((one) => one.name === name);
  const refused = entry?.at === "page" ? await beginHere(spec) : await beginThere(spec);
  await readFaults();
  return refused;
}

/** Ends a fault. */
export async function endFault(id: string): Promise<void> {
  if (id.startsWith(HERE)) desk?.stop(id.slice(HERE.length));
  else await fetch(`/v1/faults/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => undefined);
  await readFaults();
}

async function beginThere(spec: string): Promise<string | undefined> {
  const response = await fetch("/v1/faults", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ spec }),
  }).catch(() => undefined);
  if (!response) return "The server does not answer.";
  if (response.ok) return undefined;
  const body = (await response.json()) as { readonly error?: { readonly reason?: string } };
  return body.error?.reason ?? `The server says ${response.status}.`;
}

async function beginHere(spec: string): Promise<string | undefined> {
  try {
    (await prepareDevices()).start(spec);
    return undefined;
  } catch (thrown) {
    return toLodelineError(thrown).detail;
  }
}

/** What this page captures now, in its room and its call. */
function ownTracks(): readonly MediaStreamTrack[] {
  const holders = [stay.value.kind === "inside" ? stay.value.room : undefined, current.value, serverCall.value];
  return holders.flatMap((one) =>
    [one?.microphone.track, one?.camera.track, one?.screen.track].filter((track) => track !== undefined),
  );
}
