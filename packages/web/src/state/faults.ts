import { signal } from "@preact/signals";

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

/** Faults that this page performs by itself, by id. */
const own = new Map<string, { readonly fault: ActiveFault; stop(): void }>();

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
  faults.value = { catalogue, active: [...active, ...[...own.values()].map(({ fault }) => fault)] };
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
  const here = own.get(id);
  if (here) {
    own.delete(id);
    here.stop();
  } else await fetch(`/v1/faults/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => undefined);
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
  return `This page does not know how to do ${spec}.`;
}
