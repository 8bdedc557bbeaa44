import { type Clock, LodelineError } from "@lodeline/base";
import type { EndReason, Signal, SignalBody, Timers } from "@lodeline/protocol";
import { errorMessage } from "@lodeline/signaling";
import { stopRinging } from "./call-endings.ts";
import type { CallLeases } from "./call-leases.ts";
import { hangup, passed, said } from "./call-messages.ts";
import type { Call } from "./call-record.ts";
import type { CallTable } from "./call-table.ts";
import type { LinkHost } from "./link-host.ts";

/** What {@link CallSignals} needs. */
export interface CallSignalsOptions {
  readonly clock: Clock;
  readonly timers: Pick<Timers, "linkLostMs">;
  readonly calls: CallTable;
  readonly leases: CallLeases;
}

/** Passes on what the two ends of a call say, and what follows for the call: answered, declined, over. */
export class CallSignals {
  readonly #options: CallSignalsOptions;
  readonly #calls: CallTable;
  readonly #leases: CallLeases;

  constructor(options: CallSignalsOptions) {
    this.#options = options;
    this.#calls = options.calls;
    this.#leases = options.leases;
  }

  /** A link says something to an identity, in a call that may not be its own. */
  handle(call: Call, host: LinkHost, to: string, signal: Signal): void {
    if (host.identity === call.from && to === call.to) return this.#fromCaller(call, host, signal);
    if (host.identity === call.to && to === call.from) return this.#fromCallee(call, host, signal);
    const detail = "This session is a call of others.";
    host.deliver(errorMessage(new LodelineError("session/unknown", { detail, field: "signal.session" })));
  }

  #fromCaller(call: Call, host: LinkHost, signal: Signal): void {
    const { kind } = signal.body;
    if (call.caller !== host && kind === "call:init") return;
    if (call.caller !== host && !takesOver(call.caller)) return this.#keepEarly(call, host, signal);
    if (call.caller !== host) {
      call.caller = host;
      this.#leases.watch(call);
    }
    this.#note(call, call.from, signal.body);
    for (const link of call.callee ? [call.callee] : call.ringing) link.deliver(passed(host, signal));
    if (kind === "hangup" || kind === "reject") this.#calls.over(call, signal.body.reason);
  }

  #fromCallee(call: Call, host: LinkHost, signal: Signal): void {
    const { body } = signal;
    if (isRinging(signal)) return this.#rings(call, host, signal);
    if (call.callee && call.callee !== host) {
      if (body.kind === "accept") return this.#isElsewhere(call, host);
      // A decline is the late word of a link at which it rang, never of the page that answered.
      if (body.kind === "reject") return;
      if (!takesOver(call.callee)) return this.#keepEarly(call, host, signal);
      call.callee = host;
      this.#leases.watch(call);
    }
    if (call.callee === undefined && body.kind === "accept") this.#answer(call, host);
    if (call.callee === host) {
      this.#note(call, call.to, body);
      call.caller.deliver(passed(host, signal));
      if (body.kind === "hangup" || body.kind === "reject") this.#calls.over(call, body.reason);
    } else if (body.kind === "hangup" || body.kind === "reject") this.#declined(call, host, signal, body.reason);
  }

  /** It rings at a link, which says so: whether it should, its caller knows, until another link has answered. */
  #rings(call: Call, host: LinkHost, signal: Signal): void {
    if (call.callee === undefined) call.caller.deliver(passed(host, signal));
    else if (call.callee !== host) this.#isElsewhere(call, host);
  }

  #isElsewhere(call: Call, host: LinkHost): void {
    host.deliver(said(call.from, call.session, hangup("answered-elsewhere")));
  }

  /** A page that has renewed its link says so on the new one: that counts yet when the bound one is gone soon. */
  #keepEarly(call: Call, host: LinkHost, signal: Signal): void {
    if (signal.body.kind !== "hangup" || signal.body.reason !== "link-lost") return;
    const to = host.identity === call.from ? call.to : call.from;
    call.early = { host, to, signal, untilMs: this.#options.clock.now() + this.#options.timers.linkLostMs };
  }

  /** The bound link of an end is not heard of: what another link of that end has said before counts now. */
  bindingLost(call: Call, bound: LinkHost): void {
    const { early } = call;
    if (!early || early.host.identity !== bound.identity) return;
    call.early = undefined;
    if (this.#options.clock.now() <= early.untilMs) this.handle(call, early.host, early.to, early.signal);
  }

  /** Notes what an end says of its media, as it passes. Once both have said so, the call is established. */
  #note(call: Call, identity: string, body: SignalBody): void {
    if (body.kind !== "receipt") return;
    const { sends, receives } = body;
    call.said.set(identity, { identity, sends, receives });
    if (call.established || call.said.size < 2) return;
    call.established = true;
    this.#leases.watch(call);
  }

  #answer(call: Call, host: LinkHost): void {
    call.callee = host;
    this.#leases.watch(call);
    stopRinging(call, host);
    this.#calls.tell(call, "answered");
  }

  /** One link does not want it. A person's word counts for all of them, a device's (busy, rung out) for itself. */
  #declined(call: Call, host: LinkHost, signal: Signal, reason: EndReason): void {
    call.ringing.delete(host);
    // Where it may still ring is only where nobody is heard of, the call is not for ever.
    if (reason !== "declined" && call.ringing.size > 0) return this.#leases.watch(call);
    call.caller.deliver(passed(host, signal));
    stopRinging(call, undefined, reason);
    this.#calls.over(call, reason);
  }
}

/** Whether an end says that it still rings there: a receipt outside of its count, for it is about no media. */
function isRinging({ body, seq }: Signal): boolean {
  return body.kind === "receipt" && seq === 0;
}

/** Whether another link of the same identity may speak for this one: it renewed its link and the old one hangs. */
function takesOver(bound: LinkHost): boolean {
  return bound.link.state !== "open";
}
