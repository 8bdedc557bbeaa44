import type { WallMs } from "@lodeline/base";
import type { Fact, LedgerRow, Topology } from "@lodeline/protocol";
import type { Published, Row } from "./room-state.ts";

/** A fact nobody has asserted yet. */
export function newFact(at: WallMs, value = false): Fact {
  return { value, version: 0, at };
}

/** The fact with this value: itself when it says so already, else a newer version. */
export function assertFact(fact: Fact, value: boolean, at: WallMs): Fact {
  return fact.value === value ? fact : { value, version: fact.version + 1, at };
}

/** What nobody knows yet of a new publication. */
export function newPublished(at: WallMs): Published {
  return { captured: newFact(at), sent: newFact(at), saysSent: false, arriving: undefined, held: undefined };
}

/**
 * A row as it is told to its receiver and to its publisher.
 *
 * @param published - What is known at the sender; shared by all rows of the publication.
 */
export function toLedgerRow(topology: Topology, row: Row, published: Published): LedgerRow {
  const { replay } = row;
  return {
    subscription: row.subscription,
    publication: row.publication,
    from: row.from,
    to: row.to,
    source: row.source,
    standing: row.standing,
    ...(row.encryption && { encryption: row.encryption }),
    ...(row.unreadable && { unreadable: row.unreadable }),
    facts: {
      intended: row.intended,
      captured: published.captured,
      sent: published.sent,
      // In a mesh nobody stands between the two: what is sent is forwarded.
      forwarded: topology === "mesh" ? published.sent : row.forwarded,
      received: row.received,
    },
    ...(published.held === undefined ? {} : { held: published.held }),
    ...(row.layer === undefined ? {} : { layer: row.layer }),
    replay: replay && { step: replay.step, attempt: replay.attempt, since: replay.since },
  };
}
