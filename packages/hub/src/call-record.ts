import type { MonoMs, Timer } from "@lodeline/base";
import type { CallReceived, CallSent, Signal } from "@lodeline/protocol";
import type { LinkHost } from "./link-host.ts";

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
  /** Whether media went both ways in it; absent: no. */
  readonly established?: boolean | undefined;
}

/** A call between two identities, ringing or answered. */
export interface Call {
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
  /** Both ends have said what they hear: from now on they find out by their transports, and not by their links. */
  established: boolean;
  /**
   * The last `link-lost` by another link of an end whose bound link was open, and until when it counts: a page that has
   * renewed its link says it on the new one, perhaps before the old one is seen to be gone.
   */
  early?:
    | { readonly host: LinkHost; readonly to: string; readonly signal: Signal; readonly untilMs: MonoMs }
    | undefined;
  /** Somebody whom it takes is not heard of: armed for the moment at which that is the answer. */
  unheard?: Timer | undefined;
  /** By identity: what that end last said of its media. */
  readonly said: Map<string, CallEnd>;
}

/** A call as it is shown. */
export function callView({ session, from, to, callee, said }: Call): CallView {
  return { session, from, to, state: callee ? "answered" : "ringing", ends: [...said.values()] };
}

/** A call as it has to be kept. */
export function keptCall({ init, from, to, caller, ringing, callee, established }: Call): KeptCall {
  const links = { caller: caller.id, ringing: [...ringing].map(({ id }) => id), callee: callee?.id };
  return { init, from, to, ...links, established };
}

/** The links of both ends of a call, each with the identity that speaks to it. */
export function endsOf(call: Call): [LinkHost, string][] {
  const called = call.callee ? [call.callee] : [...call.ringing];
  return [[call.caller, call.to], ...called.map((host): [LinkHost, string] => [host, call.from])];
}
