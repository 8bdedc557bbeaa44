import type { LinkHost, Membership } from "./link-host.ts";
import type { Authorization } from "./ports.ts";
import type { StoreDrop, StoreRecord } from "./store.ts";

/** What is kept of a link beside its numbers and messages. */
export interface KeptLink extends Authorization {
  /** The opening that made it, as the digest makes it; empty for none. */
  readonly opening: string;
  readonly epoch: number;
  readonly secret: string;
  readonly earlierSecret: string;
  readonly membership?: Membership | undefined;
  /** Joins whose places are gone. */
  readonly spentJoins: readonly string[];
  /** What waits behind a `joined` that waits for its answer, as JSON; absent while nothing waits. */
  readonly held?: readonly string[] | undefined;
}

/** What is kept of a link's numbers. */
export interface KeptStream {
  readonly received: number;
  readonly acknowledged: number;
}

/** How much of a link is kept by now. */
export interface KeptLinkState extends KeptStream {
  readonly revision: number;
  readonly sent: number;
}

const NOTHING: KeptLinkState = { revision: -1, received: -1, acknowledged: 0, sent: 0 };

/**
 * What has to be kept of a link beside what is kept already.
 *
 * @returns How much is kept with it.
 */
export function linkChanges(
  host: LinkHost,
  opening: string,
  before: KeptLinkState = NOTHING,
  drops: StoreDrop[],
  puts: StoreRecord[],
): KeptLinkState {
  const { id: owner, revision } = host;
  if (revision !== before.revision) puts.push({ kind: "link", owner, key: 0, value: linkValue(host, opening) });
  const { received, sent, acknowledged } = host.link.numbers;
  // An acknowledgement alone would not have to be kept for a resume. But what is acknowledged may hold secrets, and goes.
  const isSame = received === before.received && sent === before.sent && acknowledged === before.acknowledged;
  if (isSame) return { ...before, revision };
  const stream: KeptStream = { received, acknowledged };
  puts.push({ kind: "stream", owner, key: 0, value: JSON.stringify(stream) });
  const through = Math.min(acknowledged, before.sent);
  if (through > before.acknowledged) drops.push({ kind: "frame", owner, through });
  for (let seq = Math.max(acknowledged, before.sent) + 1; seq <= sent; seq++) {
    const value = host.link.kept(seq);
    if (value !== undefined) puts.push({ kind: "frame", owner, key: seq, value });
  }
  return { revision, received, sent, acknowledged };
}

/** All that has to be forgotten of a link that is over. */
export function linkDrops(owner: string): StoreDrop[] {
  return (["link", "stream", "frame"] as const).map((kind) => ({ kind, owner }));
}

function linkValue(host: LinkHost, opening: string): string {
  const { identity, name, grants } = host.authorization;
  const { membership, spentJoins, held } = host.kept;
  const kept: KeptLink = { identity, name, grants, opening, ...host.link.keys, membership, spentJoins, held };
  return JSON.stringify(kept);
}
