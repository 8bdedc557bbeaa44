import { LodelineError } from "@lodeline/base";
import type { EndReason, Signal, SignalBody } from "@lodeline/protocol";
import { errorMessage } from "@lodeline/signaling";
import { stopRinging } from "./call-endings.ts";
import type { CallLeases } from "./call-leases.ts";
import { hangup, passed, said } from "./call-messages.ts";
import type { Call } from "./call-record.ts";
import type { CallTable } from "./call-table.ts";
import type { LinkHost } from "./link-host.ts";

/** Passes on what the two ends of a call say, and what follows for the call: answered, declined, over. */
export class CallSignals {
  readonly #calls: CallTable;
  readonly #leases: CallLeases;

  constructor(calls: CallTable, leases: CallLeases) {
    this.#calls = calls;
    this.#leases = leases;
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
    if (call.caller !== host && (kind === "call:init" || !takesOver(call.caller))) return;
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
    if (call.callee && call.callee !== host) {
      if (body.kind === "accept") return host.deliver(said(call.from, call.session, hangup("answered-elsewhere")));
      if (!takesOver(call.callee)) return;
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

/** Whether another link of the same identity may speak for this one: it renewed its link and the old one hangs. */
function takesOver(bound: LinkHost): boolean {
  return bound.link.state !== "open";
}
