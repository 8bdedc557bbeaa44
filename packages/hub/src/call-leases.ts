import type { Clock, MonoMs } from "@lodeline/base";
import type { Timers } from "@lodeline/protocol";
import { endOfGone, endUnanswered } from "./call-endings.ts";
import type { Call } from "./call-record.ts";
import type { CallTable } from "./call-table.ts";
import type { Goodbyes } from "./goodbyes.ts";
import type { LinkHost } from "./link-host.ts";

/** What {@link CallLeases} needs. */
export interface CallLeasesOptions {
  readonly clock: Clock;
  readonly timers: Pick<Timers, "leaseMs">;
  readonly calls: CallTable;
  readonly goodbyes: Goodbyes;
}

/**
 * Ends a call that is not established when somebody whom that takes was not heard of for a lease: its caller, every link
 * at which it rings, or the one that has answered.
 */
export class CallLeases {
  readonly #options: CallLeasesOptions;

  constructor(options: CallLeasesOptions) {
    this.#options = options;
  }

  /** Arms, or disarms, the end of a call that cannot come about. Whose page said goodbye may be back, and then it rings there. */
  watch(call: Call): void {
    call.unheard?.cancel();
    call.unheard = undefined;
    const { clock, timers, calls, goodbyes } = this.#options;
    if (call.established || !calls.has(call.session)) return;
    const now = clock.now();
    const callerGoneAt = leaseEnd([call.caller], timers.leaseMs);
    const calledGoneAt = call.callee
      ? leaseEnd([call.callee], timers.leaseMs)
      : Math.max(goodbyes.until(call.to) ?? now, leaseEnd([...call.ringing], timers.leaseMs));
    const due = Math.min(calledGoneAt, callerGoneAt);
    if (due === Number.POSITIVE_INFINITY) return;
    // Without its caller it stops ringing; and it is over for whoever comes back yet.
    const isUnanswered = call.callee === undefined && calledGoneAt < callerGoneAt;
    const end = () => (isUnanswered ? endUnanswered(calls, call, "unreachable") : endOfGone(calls, call));
    if (due <= now) end();
    else call.unheard = clock.at(due, end);
  }
}

/** When the last of some links has not been heard of for a lease; infinite while one of them is open. */
function leaseEnd(links: readonly LinkHost[], leaseMs: number): MonoMs {
  if (links.some(({ link }) => link.state === "open")) return Number.POSITIVE_INFINITY;
  return Math.max(Number.NEGATIVE_INFINITY, ...links.map(({ heardAt }) => heardAt + leaseMs));
}
