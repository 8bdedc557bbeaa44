import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import type { LabPageApi, LabReceived } from "./media-lab-page.ts";

/** Runs one method of a lab page's `lab`. */
export function lab<Name extends keyof LabPageApi>(
  page: Page,
  method: Name,
  ...args: Parameters<LabPageApi[Name]>
): Promise<Awaited<ReturnType<LabPageApi[Name]>>> {
  return page.evaluate(
    (name, list) => (window as unknown as { lab: Record<string, (...all: unknown[]) => unknown> }).lab[name]?.(...list),
    method as string,
    args as unknown[],
  ) as Promise<Awaited<ReturnType<LabPageApi[Name]>>>;
}

/**
 * Asks every 100 ms until `ready` says so. Counters of real browsers give no event to wait for.
 *
 * @throws AssertionError with the last value after `timeoutMs`.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  ready: (value: T) => boolean,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (ready(value)) return value;
    if (performance.now() > deadline) assert.fail(`${what}: not within ${timeoutMs} ms; last ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the sections of one kind received. */
export function ofKind(received: Record<string, LabReceived>, kind: "audio" | "video"): LabReceived[] {
  return Object.values(received).filter((one) => one.kind === kind);
}
