import type { Role, Source } from "@lodeline/protocol";
import { NO_SOURCES } from "./media-state.ts";
import type { ModeratorMute, Verdict } from "./room-state.ts";
import type { Turn } from "./turn.ts";

/** So many people a room remembers a verdict of; past it the oldest are forgotten. */
const MOST_VERDICTS = 1_024;

const NONE: Verdict = { removed: false, role: undefined, muted: {} };

const RANK: Readonly<Record<Role, number>> = { viewer: 0, speaker: 1, moderator: 2 };

/** What moderators decided of an identity; names from outside are safe to look up. */
export function verdictOf(turn: Turn, identity: string): Verdict {
  return (Object.hasOwn(turn.verdicts, identity) ? turn.verdicts[identity] : undefined) ?? NONE;
}

/** Notes a decision about an identity. One that says nothing any more is dropped. */
export function judgeIdentity(turn: Turn, identity: string, change: Partial<Verdict>): void {
  const next = { ...verdictOf(turn, identity), ...change };
  const others = Object.entries(turn.verdicts).filter(([one]) => one !== identity);
  const isEmpty = !next.removed && next.role === undefined && Object.keys(next.muted).length === 0;
  if (isEmpty && others.length === Object.keys(turn.verdicts).length) return;
  turn.setVerdicts(Object.fromEntries(isEmpty ? others : [...others.slice(1 - MOST_VERDICTS), [identity, next]]));
}

/** Notes that a moderator muted a source of an identity, or, with `undefined`, that it is free again. */
export function noteMute(turn: Turn, identity: string, source: Source, mute: ModeratorMute | undefined): void {
  const { [source]: _before, ...muted } = verdictOf(turn, identity).muted;
  judgeIdentity(turn, identity, { muted: mute ? { ...muted, [source]: mute } : muted });
}

/** The sources of a newcomer before its own wish: nothing, under the mutes that outlived an earlier place. */
export function sourcesUnder({ muted }: Verdict) {
  const sources = { ...NO_SOURCES };
  for (const [source, mute] of Object.entries(muted)) {
    sources[source as Source] = { ...sources[source as Source], ...mute };
  }
  return sources;
}

/** Whether a role is no more than another. */
export function isWithin(role: Role, most: Role): boolean {
  return RANK[role] <= RANK[most];
}
