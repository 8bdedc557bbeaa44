import { signal } from "@preact/signals";

/** Somebody this person has called or been called by. */
export interface Acquaintance {
  readonly identity: string;
  readonly name: string;
}

const KEY = "lodeline.acquaintances";
const KEPT = 6;

/** The last of them first. */
export const acquaintances = signal<readonly Acquaintance[]>(read());

/** Remembers somebody. A name that is only the identity does not replace a better one. */
export function remember({ identity, name }: Acquaintance): void {
  const known = nameOf(identity);
  const better = name !== "" && name !== identity ? name : (known ?? identity);
  const rest = acquaintances.value.filter((one) => one.identity !== identity);
  acquaintances.value = [{ identity, name: better }, ...rest].slice(0, KEPT);
  try {
    localStorage.setItem(KEY, JSON.stringify(acquaintances.value));
  } catch {
    // They are known until the page is closed.
  }
}

/** How somebody is known; `undefined` when they are not. */
export function nameOf(identity: string): string | undefined {
  return acquaintances.value.find((one) => one.identity === identity)?.name;
}

function read(): readonly Acquaintance[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isAcquaintance).slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

function isAcquaintance(value: unknown): value is Acquaintance {
  const { identity, name } = (value ?? {}) as Record<string, unknown>;
  return typeof identity === "string" && typeof name === "string";
}
