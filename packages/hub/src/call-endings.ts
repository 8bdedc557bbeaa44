import type { EndReason } from "@lodeline/protocol";
import { hangup, said } from "./call-messages.ts";
import { type Call, endsOf } from "./call-record.ts";
import type { CallTable } from "./call-table.ts";
import type { LinkHost } from "./link-host.ts";

/** One end is gone, or the server goes away: a call is over for every link of it but the one that is `gone`. */
export function endOfGone(calls: CallTable, call: Call, gone?: LinkHost): void {
  for (const [host, from] of endsOf(call)) {
    if (host !== gone) host.deliver(said(from, call.session, hangup("remote-gone")));
  }
  calls.over(call, "remote-gone");
}

/** Nobody has answered, and nobody will. */
export function endUnanswered(calls: CallTable, call: Call, reason: EndReason): void {
  if (call.callee) return;
  call.caller.deliver(said(call.to, call.session, { kind: "reject", reason }));
  // A link that comes back yet finds it over.
  for (const link of call.ringing) link.deliver(said(call.from, call.session, hangup(reason)));
  calls.over(call, reason);
}

/** Every link but `except` is told that the call is no longer its own. */
export function stopRinging(call: Call, except: LinkHost | undefined, reason: EndReason = "answered-elsewhere"): void {
  for (const link of call.ringing) {
    if (link !== except) link.deliver(said(call.from, call.session, hangup(reason)));
  }
  call.ringing.clear();
}
