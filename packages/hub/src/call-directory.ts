import { type Clock, type ErrorCode, LodelineError, type MonoMs, type Timer } from "@lodeline/base";
import {
  type CallReceived,
  type CallSent,
  type EndReason,
  SERVER_PEER_IDENTITY,
  type ServerMessage,
  type Signal,
  type SignalBody,
  type Timers,
} from "@lodeline/protocol";
import { errorMessage } from "@lodeline/signaling";
import type { HubEvents } from "./hub-types.ts";
import type { LinkHost } from "./link-host.ts";
import type { ServerPeerCalls } from "./server-peer-calls.ts";

/** What {@link CallDirectory} needs of the hub. */
export interface CallDirectoryOptions {
  readonly clock: Clock;
  readonly timers: Pick<Timers, "leaseMs" | "byeGraceMs">;
  /** The links of an identity. */
  linksOf(identity: string): readonly LinkHost[];
  /** Absent: nobody lives on the server. */
  readonly serverPeer: ServerPeerCalls | undefined;
  /** Whether a session of this id lives elsewhere in the hub. */
  isTaken(session: string): boolean;
  event(event: HubEvents["call"]): void;
  /** A call may be another than before, and may have to be kept. */
  touched(session: string): void;
}

/** What one end of a call has said of its media, and when; by identity, as everything between two people is. */
export interface CallEnd {
  readonly identity: string;
  readonly sends: readonly CallSent[];
  readonly receives: readonly CallReceived[];
}

/** A call as the dashboard sees it: plain data, the caller's own. */
export interface CallView {
  readonly session: string;
  readonly from: string;
  readonly to: string;
  readonly state: "ringing" | "answered";
  /** By their own last word: what each end means to send, and what it hears and sees. Nothing is inferred. */
  readonly ends: readonly CallEnd[];
}

/** What is kept of a call: between whom, by link id. */
export interface KeptCall {
  readonly from: string;
  readonly to: string;
  readonly caller: string;
  readonly ringing: readonly string[];
  readonly callee?: string | undefined;
  /** The `call:init` that rings at links opened meanwhile; absent for a call with the server peer. */
  readonly init?: Signal | undefined;
}

interface Call {
  readonly session: string;
  /** Identities. */
  readonly from: string;
  readonly to: string;
  caller: LinkHost;
  /** What rings; absent once it was restored from a store. */
  readonly init: Signal | undefined;
  /** Links at which it rings. */
  readonly ringing: Set<LinkHost>;
  /** The link that answered. */
  callee: LinkHost | undefined;
  /** Nobody hears it ring: armed for the moment at which that is the answer. */
  unheard?: Timer | undefined;
  /** By identity: what that end last said of its media. */
  readonly said: Map<string, CallEnd>;
}

/** So many calls may one link have at once, ringing ones counted. */
const CALLS_PER_LINK = 16;

/** So many calls that are over are remembered: one said again is late by seconds. */
const MOST_ENDED = 1_024;

/**
 * Who is in a call with whom, by identity: a call rings at every link of the one called, the first that accepts has it.
 * Knows no media and no negotiation: between the two ends it passes on what they say.
 */
export class CallDirectory {
  readonly #options: CallDirectoryOptions;
  readonly #calls = new Map<string, Call>();
  /** How the last calls ended, oldest first. */
  readonly #ended = new Map<string, EndReason>();

  constructor(options: CallDirectoryOptions) {
    this.#options = options;
  }

  /** Calls between identities, without those to the server peer. */
  get size(): number {
    return this.#calls.size;
  }

  /** Every call between two people. */
  views(): readonly CallView[] {
    return [...this.#calls.values()].map(({ session, from, to, callee, said: words }) => {
      return { session, from, to, state: callee ? "answered" : "ringing", ends: [...words.values()] };
    });
  }

  has(session: string): boolean {
    return this.#calls.has(session);
  }

  /** Every call, those to the server peer too. */
  sessions(): readonly string[] {
    return [...this.#calls.keys(), ...(this.#options.serverPeer?.sessions() ?? [])];
  }

  /** A call as it has to be kept; `undefined` when it is over. */
  kept(session: string): KeptCall | undefined {
    const call = this.#calls.get(session);
    const caller = this.#options.serverPeer?.callerOf(session);
    if (caller) return { from: caller.identity, to: SERVER_PEER_IDENTITY, caller: caller.id, ringing: [] };
    if (!call) return undefined;
    const { from, to, callee, init } = call;
    return {
      init,
      from,
      to,
      caller: call.caller.id,
      ringing: [...call.ringing].map(({ id }) => id),
      callee: callee?.id,
    };
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
      const call: Call = { session, from, to, caller, ringing, callee, init, said: new Map() };
      this.#calls.set(session, call);
      this.#watch(call);
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
    if (!call && signal.body.kind === "call:init") return this.#dialled(host, to, signal);
    if (!call) return unknown(host, to, signal);
    if (host.identity === call.from && to === call.to) return this.#fromCaller(call, host, signal);
    if (host.identity === call.to && to === call.from) return this.#fromCallee(call, host, signal);
    const detail = "This session is a call of others.";
    host.deliver(errorMessage(new LodelineError("session/unknown", { detail, field: "signal.session" })));
  }

  /** Somebody calls, or says again that it does: one whose call is over has not heard that. */
  #dialled(host: LinkHost, to: string, signal: Signal): void {
    const reason = this.#ended.get(signal.session);
    if (reason === undefined) this.#begin(host, to, signal);
    else host.deliver(said(to, signal.session, { kind: "reject", reason }));
  }

  /** A link is new: whoever is being called rings there as well, a page that was reloaded meanwhile too. */
  linkOpened(host: LinkHost): void {
    for (const call of this.#calls.values()) {
      if (call.to !== host.identity || call.callee || !call.init || call.ringing.has(host)) continue;
      call.ringing.add(host);
      host.deliver(passed(call.caller, call.init));
      this.#watch(call);
    }
  }

  /** A link is not heard of, or is again: a call that rings nowhere else waits for it as long as a room would. */
  linkChanged(host: LinkHost): void {
    for (const call of this.#calls.values()) if (call.ringing.has(host) || call.caller === host) this.#watch(call);
  }

  /**
   * A link is gone for good: whoever was in a call with it is told.
   *
   * @param bye - Its page said goodbye: perhaps to be loaded anew, and then it rings there.
   */
  linkGone(host: LinkHost, bye: boolean): void {
    for (const call of [...this.#calls.values()]) {
      if (call.caller === host || call.callee === host) this.#gone(call, host);
      else if (call.ringing.delete(host)) this.#watch(call, bye);
      this.#options.touched(call.session);
    }
    this.#options.serverPeer?.end(host, "remote-gone");
  }

  /** Ends every call, for a server that goes away. */
  endAll(): void {
    for (const call of [...this.#calls.values()]) {
      for (const [host, from] of ends(call)) host.deliver(said(from, call.session, hangup("remote-gone")));
      this.#over(call, "remote-gone");
    }
    this.#options.serverPeer?.end(undefined, "remote-gone");
  }

  #begin(host: LinkHost, to: string, signal: Signal): void {
    const { session } = signal;
    const refusal = this.#refusal(host, to, session);
    if (refusal) return refuse(host, to, session, refusal);
    const call: Call = {
      session,
      from: host.identity,
      to,
      caller: host,
      init: signal,
      ringing: new Set(),
      callee: undefined,
      said: new Map(),
    };
    const mirror = this.#mirrorOf(call);
    if (mirror) return this.#merge(mirror, call, signal);
    const links = this.#options.linksOf(to);
    if (links.length === 0) return host.deliver(said(to, session, { kind: "reject", reason: "unreachable" }));
    this.#calls.set(session, call);
    this.#tell(call, "ringing");
    for (const link of links) call.ringing.add(link);
    for (const link of links) link.deliver(passed(host, signal));
    this.#watch(call);
  }

  /** Arms, or disarms, the end of a call that nobody hears ring. */
  #watch(call: Call, bye = false): void {
    call.unheard?.cancel();
    call.unheard = undefined;
    if (call.callee || !this.#calls.has(call.session)) return;
    const { clock, timers } = this.#options;
    const now = clock.now();
    const unheardAt = Math.max(bye ? now + timers.byeGraceMs : now, leaseEnd([...call.ringing], timers.leaseMs));
    const callerGoneAt = leaseEnd([call.caller], timers.leaseMs);
    const due = Math.min(unheardAt, callerGoneAt);
    if (due === Number.POSITIVE_INFINITY) return;
    const end = () => (callerGoneAt <= unheardAt ? this.#withdrawn(call) : this.#unanswered(call, "unreachable"));
    if (due <= now) end();
    else call.unheard = clock.at(due, end);
  }

  /** Whoever calls is not heard of any more: it stops ringing, and is over for a caller that comes back yet. */
  #withdrawn(call: Call): void {
    for (const [host, from] of ends(call)) host.deliver(said(from, call.session, hangup("remote-gone")));
    this.#over(call, "remote-gone");
  }

  #refusal(host: LinkHost, to: string, session: string): LodelineError | undefined {
    if (!host.authorization.grants.call) return denied("auth/forbidden", "The token allows no calls.");
    if (to === host.identity) return denied("call/self");
    if (this.#options.isTaken(session)) return denied("protocol/out-of-turn", "This session id is in use.");
    let count = this.#options.serverPeer?.countOf(host) ?? 0;
    for (const call of this.#calls.values()) if (call.caller === host) count += 1;
    return count >= CALLS_PER_LINK ? denied("protocol/rate-limited", "Too many calls at once.") : undefined;
  }

  /** The call that the one called is making to the caller at this very moment. */
  #mirrorOf({ from, to, caller }: Call): Call | undefined {
    for (const other of this.#calls.values()) {
      if (other.from === to && other.to === from && !other.callee && other.ringing.has(caller)) return other;
    }
    return undefined;
  }

  /**
   * Two people call each other. Both ends decide by themselves that the call of the lower identity lives on; here it is
   * bound to the two links that called, and stops ringing anywhere else.
   */
  #merge(mirror: Call, call: Call, signal: Signal): void {
    mirror.caller.deliver(passed(call.caller, signal));
    this.#stopRinging(mirror, call.caller);
    const lives = call.from < mirror.from ? call : mirror;
    this.#forget(mirror, "replaced");
    lives.callee = lives === call ? mirror.caller : call.caller;
    this.#calls.set(lives.session, lives);
    this.#tell(lives, "answered", "mutual");
  }

  #fromCaller(call: Call, host: LinkHost, signal: Signal): void {
    const { kind } = signal.body;
    if (call.caller !== host && (kind === "call:init" || !takesOver(call.caller))) return;
    call.caller = host;
    this.#note(call, call.from, signal.body);
    for (const link of call.callee ? [call.callee] : call.ringing) link.deliver(passed(host, signal));
    if (kind === "hangup" || kind === "reject") this.#over(call, signal.body.reason);
  }

  #fromCallee(call: Call, host: LinkHost, signal: Signal): void {
    const { body } = signal;
    if (call.callee && call.callee !== host) {
      if (body.kind === "accept") return host.deliver(said(call.from, call.session, hangup("answered-elsewhere")));
      if (!takesOver(call.callee)) return;
      call.callee = host;
    }
    if (call.callee === undefined && body.kind === "accept") this.#answer(call, host);
    if (call.callee === host) {
      this.#note(call, call.to, body);
      call.caller.deliver(passed(host, signal));
      if (body.kind === "hangup" || body.kind === "reject") this.#over(call, body.reason);
    } else if (body.kind === "hangup" || body.kind === "reject") this.#declined(call, host, signal, body.reason);
  }

  #answer(call: Call, host: LinkHost): void {
    call.callee = host;
    this.#watch(call);
    this.#stopRinging(call, host);
    this.#tell(call, "answered");
  }

  /** One link does not want it. A person's word counts for all of them, a device's (busy, rung out) for itself. */
  #declined(call: Call, host: LinkHost, signal: Signal, reason: EndReason): void {
    call.ringing.delete(host);
    // Where it may still ring is only where nobody is heard of, the call is not for ever.
    if (reason !== "declined" && call.ringing.size > 0) return this.#watch(call);
    call.caller.deliver(passed(host, signal));
    this.#stopRinging(call, undefined, reason);
    this.#over(call, reason);
  }

  #unanswered(call: Call, reason: EndReason): void {
    if (call.callee) return;
    call.caller.deliver(said(call.to, call.session, { kind: "reject", reason }));
    // A link that comes back yet finds it over.
    for (const link of call.ringing) link.deliver(said(call.from, call.session, hangup(reason)));
    this.#over(call, reason);
    this.#options.touched(call.session);
  }

  #gone(call: Call, gone: LinkHost): void {
    for (const [host, from] of ends(call)) {
      if (host !== gone) host.deliver(said(from, call.session, hangup("remote-gone")));
    }
    this.#over(call, "remote-gone");
  }

  /** Every link but `except` is told that the call is no longer its own. */
  #stopRinging(call: Call, except: LinkHost | undefined, reason: EndReason = "answered-elsewhere"): void {
    for (const link of call.ringing) {
      if (link !== except) link.deliver(said(call.from, call.session, hangup(reason)));
    }
    call.ringing.clear();
  }

  #toServerPeer(host: LinkHost, signal: Signal): void {
    const { serverPeer } = this.#options;
    const { session, body } = signal;
    if (serverPeer?.has(session)) return serverPeer.signal(host, signal);
    if (body.kind !== "call:init") return unknown(host, SERVER_PEER_IDENTITY, signal);
    const refusal = this.#refusal(host, SERVER_PEER_IDENTITY, session);
    if (refusal) return refuse(host, SERVER_PEER_IDENTITY, session, refusal);
    if (serverPeer) return serverPeer.begin(host, signal);
    host.deliver(said(SERVER_PEER_IDENTITY, session, { kind: "reject", reason: "unreachable" }));
  }

  /** Notes what an end says of its media, as it passes. */
  #note(call: Call, identity: string, body: SignalBody): void {
    if (body.kind !== "receipt") return;
    const { sends, receives } = body;
    call.said.set(identity, { identity, sends, receives });
  }

  #over(call: Call, reason: EndReason): void {
    this.#forget(call, reason);
    this.#tell(call, "ended", reason);
  }

  #forget(call: Call, reason: EndReason): void {
    call.unheard?.cancel();
    this.#calls.delete(call.session);
    this.#options.touched(call.session);
    this.#ended.set(call.session, reason);
    for (const [oldest] of this.#ended) if (this.#ended.size > MOST_ENDED) this.#ended.delete(oldest);
  }

  #tell({ session, from, to }: Call, what: HubEvents["call"]["what"], reason?: string): void {
    this.#options.event({ session, from, to, what, reason });
  }
}

/** When the last of some links has not been heard of for a lease; infinite while one of them is open. */
function leaseEnd(links: readonly LinkHost[], leaseMs: number): MonoMs {
  if (links.some(({ link }) => link.state === "open")) return Number.POSITIVE_INFINITY;
  return Math.max(Number.NEGATIVE_INFINITY, ...links.map(({ heardAt }) => heardAt + leaseMs));
}

/** Both ends of a call, each with the identity that speaks to it. */
function ends(call: Call): [LinkHost, string][] {
  const called = call.callee ? [call.callee] : [...call.ringing];
  return [[call.caller, call.to], ...called.map((host): [LinkHost, string] => [host, call.from])];
}

/** Whether another link of the same identity may speak for this one: it renewed its link and the old one hangs. */
function takesOver(bound: LinkHost): boolean {
  return bound.link.state !== "open";
}

function passed(from: LinkHost, signal: Signal): ServerMessage {
  const { identity, name } = from.authorization;
  return { type: "signal", scope: "call", from: identity, name, signal };
}

/** What the server says in the name of `from`. Number 0: it stands outside that end's own count. */
function said(from: string, session: string, body: SignalBody): ServerMessage {
  return { type: "signal", scope: "call", from, signal: { session, epoch: 0, seq: 0, body } };
}

function hangup(reason: EndReason): SignalBody {
  return { kind: "hangup", reason };
}

function denied(code: ErrorCode, detail?: string): LodelineError {
  return new LodelineError(code, { detail, field: code === "protocol/out-of-turn" ? "signal.session" : "to" });
}

function refuse(host: LinkHost, to: string, session: string, error: LodelineError): void {
  host.deliver(errorMessage(error));
  host.deliver(said(to, session, { kind: "reject", reason: "refused" }));
}

/** A receipt too: who still counts what comes in a call believes in it. */
const ASKING: ReadonlySet<string> = new Set(["accept", "offer", "negotiation-needed", "receipt", "replay-request"]);

/** What asks for an answer in a session nobody knows gets the answer that it is over; the rest is merely late. */
function unknown(host: LinkHost, from: string, { session, body }: Signal): void {
  if (ASKING.has(body.kind)) {
    host.deliver(said(from, session, hangup("remote-gone")));
  }
}
