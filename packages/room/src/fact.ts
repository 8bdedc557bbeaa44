import type { WallMs } from "@lodeline/base";
import type { Fact, HeldBack, LedgerRow, Topology } from "@lodeline/protocol";
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

/** Why the room keeps back what should be received: for everybody, or because this receiver's path does not carry it. */
export function heldBackOf(row: Row, published: Published): HeldBack | undefined {
  return published.held ?? (isPaused(row) ? "bandwidth" : undefined);
}

/** Whether the share of its receiver's path gives a video not even its lowest layer. */
export function isPaused({ layer }: Row): boolean {
  return layer?.reason === "bound" && layer.rid === undefined;
}

/**
 * A row as it is told to its receiver and to its publisher.
 *
 * @param published - What is known at the sender; shared by all rows of the publication.
 */
export function toLedgerRow(topology: Topology, row: Row, published: Published): LedgerRow {
  const { replay } = row;
  const held = heldBackOf(row, published);
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
    ...(held === undefined ? {} : { held }),
    ...(row.layer === undefined ? {} : { layer: row.layer }),
    replay: replay && { step: replay.step, attempt: replay.attempt, since: replay.since },
  };
}
