import type { Clock, LodelineError } from "@lodeline/base";
import { SERVER_PEER_IDENTITY, type Signal, type Timers } from "@lodeline/protocol";
import { endOfGone, stopRinging } from "./call-endings.ts";
import { CallLeases } from "./call-leases.ts";
import { answerUnknown, denied, hangup, passed, refuse, said } from "./call-messages.ts";
import { type Call, type CallView, callView, type KeptCall, keptCall } from "./call-record.ts";
import { CallSignals } from "./call-signals.ts";
import { CallTable, type CallTableOptions } from "./call-table.ts";
import { Goodbyes } from "./goodbyes.ts";
import type { LinkHost } from "./link-host.ts";
import type { ServerPeerCalls } from "./server-peer-calls.ts";

/** What {@link CallDirectory} needs of the hub. */
export interface CallDirectoryOptions extends CallTableOptions {
  readonly clock: Clock;
  readonly timers: Pick<Timers, "leaseMs" | "byeGraceMs" | "linkLostMs">;
  /** The links of an identity. */
  linksOf(identity: string): readonly LinkHost[];
  /** Absent: nobody lives on the server. */
  readonly serverPeer: ServerPeerCalls | undefined;
  /** Whether a session of this id lives elsewhere in the hub. */
  isTaken(session: string): boolean;
}

/** So many calls may one link have at once, ringing ones counted. */
const CALLS_PER_LINK = 16;

/**
 * Who is in a call with whom, by identity: a call rings at every link of the one called, the first that accepts has it.
 * Knows no media and no negotiation: between the two ends it passes on what they say.
 */
export class CallDirectory {
  readonly #options: CallDirectoryOptions;
  readonly #calls: CallTable;
  readonly #goodbyes: Goodbyes;
  readonly #leases: CallLeases;
  readonly #signals: CallSignals;

  constructor(options: CallDirectoryOptions) {
    const { clock, timers } = options;
    this.#options = options;
    this.#calls = new CallTable(options);
    this.#goodbyes = new Goodbyes(clock, timers.byeGraceMs);
    this.#leases = new CallLeases({ clock, timers, calls: this.#calls, goodbyes: this.#goodbyes });
    this.#signals = new CallSignals({ clock, timers, calls: this.#calls, leases: this.#leases });
  }

  /** Calls between identities, without those to the server peer. */
  get size(): number {
    return this.#calls.size;
  }

  /** Every call between two people. */
  views(): readonly CallView[] {
    return Array.from(this.#calls, callView);
  }

  has(session: string): boolean {
    return this.#calls.has(session);
  }

  /** Every call, those to the server peer too. */
  sessions(): readonly string[] {
    return [...Array.from(this.#calls, ({ session }) => session), ...(this.#options.serverPeer?.sessions() ?? [])];
  }

  /** A call as it has to be kept; `undefined` when it is over. */
  kept(session: string): KeptCall | undefined {
    const caller = this.#options.serverPeer?.callerOf(session);
    if (caller) return { from: caller.identity, to: SERVER_PEER_IDENTITY, caller: caller.id, ringing: [] };
    const call = this.#calls.get(session);
    return call && keptCall(call);
  }

  /**
   * A call of an earlier process goes on; one with the server peer is over, and so is one whose other end is gone.
   *
   * @param link - The links that were restored.
   */
  restore(session: string, kept: KeptCall, link: (id: string) => LinkHost | undefined): void {
    const { from, to, init } = kept;
    const caller = link(kept.caller);
    if (to === SERVER_PEER_IDENTITY) return caller?.deliver(said(to, session, hangup("remote-gone")));
    const callee = kept.callee === undefined ? undefined : link(kept.callee);
    const ringing = new Set(kept.ringing.flatMap((id) => link(id) ?? []));
    if (caller && (callee || (kept.callee === undefined && ringing.size > 0))) {
      const { established = false } = kept;
      const call: Call = { session, from, to, caller, ringing, callee, init, established, said: new Map() };
      this.#calls.add(call);
      this.#leases.watch(call);
    } else {
      caller?.deliver(said(to, session, hangup("remote-gone")));
      for (const host of callee ? [callee] : ringing) host.deliver(said(from, session, hangup("remote-gone")));
    }
    this.#options.touched(session);
  }

  /** A link says something to an identity. */
  signal(host: LinkHost, to: string, signal: Signal): void {
    this.#signal(host, to, signal);
    this.#options.touched(signal.session);
  }

  #signal(host: LinkHost, to: string, signal: Signal): void {
    if (to === SERVER_PEER_IDENTITY) return this.#toServerPeer(host, signal);
    const call = this.#calls.get(signal.session);
    if (call) return this.#signals.handle(call, host, to, signal);
    if (signal.body.kind === "call:init") return this.#dialled(host, to, signal);
    answerUnknown(host, to, signal);
  }

  /** A link is new: whoever is being called rings there as well, a page that was reloaded meanwhile too. */
  linkOpened(host: LinkHost): void {
    for (const call of this.#calls) {
      if (call.to !== host.identity || call.callee || !call.init || call.ringing.has(host)) continue;
      call.ringing.add(host);
      host.deliver(passed(call.caller, call.init));
      this.#leases.watch(call);
      this.#options.touched(call.session);
    }
  }

  /** A link is not heard of, or is again: a call that needs it waits for it as long as a room would. */
  linkChanged(host: LinkHost): void {
    for (const call of [...this.#calls]) {
      const isBound = call.caller === host || call.callee === host;
      if (isBound || call.ringing.has(host)) this.#leases.watch(call);
      if (isBound && host.link.state !== "open") {
        this.#signals.bindingLost(call, host);
        this.#options.touched(call.session);
      }
    }
  }

  /**
   * A link is gone for good: whoever was in a call with it is told.
   *
   * @param bye - Its page said goodbye: perhaps to be loaded anew, and then it rings there.
   */
  linkGone(host: LinkHost, bye: boolean): void {
    if (bye) this.#goodbyes.note(host.identity);
    for (const call of [...this.#calls]) {
      if (call.caller === host || call.callee === host) endOfGone(this.#calls, call, host);
      else if (call.ringing.delete(host)) this.#leases.watch(call);
      this.#options.touched(call.session);
    }
    this.#options.serverPeer?.end(host, "remote-gone");
  }

  /** Ends every call, for a server that goes away. */
  endAll(): void {
    for (const call of [...this.#calls]) endOfGone(this.#calls, call);
    this.#options.serverPeer?.end(undefined, "remote-gone");
  }

  /** Somebody calls, or says again that it does: one whose call is over has not heard that. */
  #dialled(host: LinkHost, to: string, signal: Signal): void {
    const reason = this.#calls.endOf(signal.session);
    if (reason === undefined) this.#begin(host, to, signal);
    else host.deliver(said(to, signal.session, { kind: "reject", reason }));
  }

  #begin(host: LinkHost, to: string, signal: Signal): void {
    const { session } = signal;
    const refusal = this.#refusal(host, to, session);
    if (refusal) {
      // A session id in use is that of another, which is not over.
      if (refusal.code !== "protocol/out-of-turn") this.#calls.remember(session, "refused");
      return refuse(host, to, session, refusal);
    }
    const call: Call = {
      session,
      from: host.identity,
      to,
      caller: host,
      init: signal,
      ringing: new Set(),
      callee: undefined,
      established: false,
      said: new Map(),
    };
    const mirror = this.#calls.mirrorOf(call);
    if (mirror) return this.#merge(mirror, call, signal);
    const links = this.#options.linksOf(to);
    if (links.length === 0 && this.#goodbyes.until(to) === undefined) {
      this.#calls.remember(session, "unreachable");
      return host.deliver(said(to, session, { kind: "reject", reason: "unreachable" }));
    }
    this.#calls.add(call);
    this.#calls.tell(call, "ringing");
    for (const link of links) call.ringing.add(link);
    for (const link of links) link.deliver(passed(host, signal));
    this.#leases.watch(call);
  }

  #refusal(host: LinkHost, to: string, session: string): LodelineError | undefined {
    if (!host.authorization.grants.call) return denied("auth/forbidden", "The token allows no calls.");
    if (to === host.identity) return denied("call/self");
    if (this.#options.isTaken(session)) return denied("protocol/out-of-turn", "This session id is in use.");
    const count = this.#calls.countOf(host) + (this.#options.serverPeer?.countOf(host) ?? 0);
    return count >= CALLS_PER_LINK ? denied("protocol/rate-limited", "Too many calls at once.") : undefined;
  }

  /**
   * Two people call each other. Both ends decide by themselves that the call of the lower identity lives on; here it
   * rings on at the one link that called, which accepts it by itself, and stops anywhere else. Should that link vanish
   * before it does, the call rings at whatever page comes instead.
   */
  #merge(mirror: Call, call: Call, signal: Signal): void {
    mirror.caller.deliver(passed(call.caller, signal));
    stopRinging(mirror, call.caller);
    const lives = call.from < mirror.from ? call : mirror;
    this.#calls.forget(mirror, "replaced");
    lives.ringing.add(lives === call ? mirror.caller : call.caller);
    this.#calls.add(lives);
    this.#calls.tell(lives, "ringing", "mutual");
    // Who dials again has not heard of the call that lives on.
    if (lives === mirror && signal.seq > 1 && mirror.init) call.caller.deliver(passed(mirror.caller, mirror.init));
    this.#leases.watch(lives);
  }

  #toServerPeer(host: LinkHost, signal: Signal): void {
    const { serverPeer } = this.#options;
    const { session, body } = signal;
    if (serverPeer?.has(session)) return serverPeer.signal(host, signal);
    if (body.kind !== "call:init") return answerUnknown(host, SERVER_PEER_IDENTITY, signal);
    // It has no key, and should have none: what it would answer with is noise.
    const unreadable = body.encryption && denied("encryption/not-readable");
    const refusal = unreadable ?? this.#refusal(host, SERVER_PEER_IDENTITY, session);
    if (refusal) return refuse(host, SERVER_PEER_IDENTITY, session, refusal);
    if (serverPeer) return serverPeer.begin(host, signal);
    host.deliver(said(SERVER_PEER_IDENTITY, session, { kind: "reject", reason: "unreachable" }));
  }
}
