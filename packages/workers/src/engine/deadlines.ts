import { type Clock, LodelineError } from "@lodeline/base";
import type { RequestKind } from "./messages.ts";

/**
 * How long each request may take. Longer than any engine needs that works, and shorter than the step of a session that
 * waits for it: a teardown has 3 s, a negotiation 15.
 */
export const REQUEST_DEADLINES_MS: Readonly<Record<RequestKind, number>> = {
  ready: 10_000,
  "open-transport": 8_000,
  answer: 8_000,
  "add-candidate": 8_000,
  "close-transport": 2_500,
  publish: 5_000,
  unpublish: 2_500,
  "prefer-one": 5_000,
  forward: 5_000,
  unforward: 2_500,
  "set-view": 5_000,
  "request-key-frame": 5_000,
  "reset-forwarder": 5_000,
  silence: 5_000,
  "loop-back": 5_000,
  "send-data": 5_000,
  stats: 2_000,
  "open-trunk": 4_000,
  "connect-trunk": 4_000,
  "close-trunk": 2_500,
  carry: 4_000,
  "need-layers": 4_000,
  take: 4_000,
  "describe-layers": 4_000,
  "drop-relay": 2_500,
};

/** `work`, or its rejection with `timeout` once the deadline of its kind of request has passed. */
export function withinDeadline<T>(clock: Clock, kind: RequestKind, work: Promise<T>): Promise<T> {
  const withinMs = REQUEST_DEADLINES_MS[kind];
  return new Promise((resolve, reject) => {
    const late = clock.at(clock.now() + withinMs, () => {
      const detail = `The media engine did not answer "${kind}" within ${withinMs} ms.`;
      reject(new LodelineError("timeout", { detail }));
    });
    work.finally(() => late.cancel()).then(resolve, reject);
  });
}
