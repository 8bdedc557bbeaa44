import {
  kindOf,
  type MediaState,
  publicationId,
  type Slot,
  type Slots,
  SOURCES,
  type Source,
  subscriptionId,
  type View,
} from "@lodeline/protocol";
import { sameEncodings, toldEncodings, wantsOne } from "./encodings.ts";
import { assertFact, newFact, newPublished } from "./fact.ts";
import type { Place, Row } from "./room-state.ts";
import { screenCodec } from "./screen-codec.ts";
import { assignSlots, type SlotCandidate, sameSlots } from "./slot-table.ts";
import { refreshRow } from "./standing.ts";
import type { Turn } from "./turn.ts";

/**
 * Brings what a participant publishes in line with its media state: one row for each publication and receiver, none for
 * what is unpublished.
 */
export function syncPublisher(turn: Turn, from: string): void {
  const media = turn.info(from)?.media;
  if (!media) return;
  syncPublished(turn, from, media);
  for (const to of Object.keys(turn.places)) {
    if (to === from) continue;
    for (const source of SOURCES) syncRow(turn, from, to, source, media);
    if (SOURCES.some((source) => isHeldBack(turn, from, to, source, media))) turn.unsettled.add(to);
  }
}

/** Whether a moderator's mute, or its end, changes whether a source is forwarded. */
function isHeldBack(turn: Turn, from: string, to: string, source: Source, media: MediaState): boolean {
  const row = turn.row(to, publicationId(from, source));
  return row !== undefined && (row.attached === null) === (media.sources[source].mutedBy === null);
}

/** Gives a newcomer its rows of what the others publish. */
export function syncReceiver(turn: Turn, to: string): void {
  for (const { id, media } of turn.snapshot.participants) {
    if (id === to) continue;
    for (const source of SOURCES) syncRow(turn, id, to, source, media);
  }
  turn.unsettled.add(to);
}

/** What the receiver shows decides what is intended for it, and how it is forwarded. */
export function applyViews(turn: Turn, to: string, views: Readonly<Record<string, View>>): void {
  const before = turn.place(to);
  if (!before) return;
  turn.patchPlace(to, { views });
  for (const row of Object.values(before.rows)) {
    const media = turn.info(row.from)?.media;
    if (media) syncRow(turn, row.from, to, row.source, media);
    if (!sameView(views[row.publication], before.views[row.publication])) tellView(turn, to, row.publication);
  }
}

/** Tells the media plane how a subscription is shown. One that cannot be read is not forwarded: its view is invisible. */
export function tellView(turn: Turn, to: string, publication: string): void {
  const row = turn.row(to, publication);
  if (!row?.attached) return;
  const view = turn.place(to)?.views[publication] ?? defaultView(publication);
  const visible = view.visible && row.unreadable === undefined;
  turn.media({ op: "view", subscription: row.subscription, view: { ...view, visible } });
}

/** Settles slot tables and attachments of every receiver that this step touched: what is detached first, then the rest. */
export function settleSubscriptions(turn: Turn): void {
  if (turn.config.topology === "mesh" || turn.unsettled.size === 0) return turn.unsettled.clear();
  const receivers = [...turn.unsettled];
  turn.unsettled.clear();
  for (const to of receivers) settleSlots(turn, to);
  for (const to of receivers) settleAttachments(turn, to, "detach");
  for (const to of receivers) settleAttachments(turn, to, "attach");
}

/** Stops forwarding a row that goes away. */
export function detach(turn: Turn, row: Row): void {
  if (row.attached) turn.media({ op: "detach", subscription: row.subscription });
}

function syncPublished(turn: Turn, from: string, media: MediaState): void {
  const place = turn.place(from);
  if (!place) return;
  let published = place.published;
  for (const source of SOURCES) {
    const is = media.sources[source].intent !== "unpublished";
    if (is && !published[source]) published = { ...published, [source]: newPublished(turn.wall) };
    if (!is && published[source]) {
      const { [source]: _gone, ...rest } = published;
      published = rest;
    }
  }
  if (published !== place.published) turn.patchPlace(from, { published });
}

function syncRow(turn: Turn, from: string, to: string, source: Source, media: MediaState): void {
  const publication = publicationId(from, source);
  const row = turn.row(to, publication);
  const { intent } = media.sources[source];
  if (intent === "unpublished") {
    if (row) {
      detach(turn, row);
      turn.dropRow(row);
      turn.unsettled.add(to);
    }
    return;
  }
  const wanted = intent === "live" && (turn.place(to)?.views[publication]?.visible ?? true);
  if (!row) {
    turn.putRow(newRow(turn, publication, from, to, source, wanted));
    turn.unsettled.add(to);
  } else if (row.intended.value !== wanted) {
    const intended = assertFact(row.intended, wanted, turn.wall);
    turn.putRow({ ...row, intended, announced: wanted ? turn.seq : row.announced });
    if (turn.place(to)?.slotsShort) turn.unsettled.add(to);
  }
  noteEncryption(turn, to, publication, media.sources[source].encryption);
  refreshRow(turn, to, publication);
}

/** Its owner encrypts it from now on, or no longer: whether it can be read is a new question. */
function noteEncryption(turn: Turn, to: string, publication: string, encryption: Row["encryption"]): void {
  const row = turn.row(to, publication);
  if (row && row.encryption !== encryption) turn.putRow({ ...row, encryption, unreadable: undefined });
}

function newRow(turn: Turn, publication: string, from: string, to: string, source: Source, intended: boolean): Row {
  return {
    subscription: subscriptionId(publication, to),
    publication,
    from,
    to,
    source,
    standing: "off",
    announced: turn.seq,
    since: turn.now,
    intended: newFact(turn.wall, intended),
    forwarded: newFact(turn.wall),
    received: newFact(turn.wall),
    encryption: turn.info(from)?.media.sources[source].encryption,
    unreadable: undefined,
    layer: undefined,
    attached: null,
    replay: null,
    due: undefined,
  };
}

function settleSlots(turn: Turn, to: string): void {
  const place = turn.place(to);
  if (!place) return;
  const { receives } = place.media;
  const camera = toldEncodings(place);
  const screen = screenCodec(turn, place);
  const toldSame = sameEncodings(camera, place.slots.camera) && screen === place.slots.screen;
  if (receives.length === 0 && place.slots.slots.length === 0 && toldSame) return;
  const candidates = candidatesFor(place);
  const slots = assignSlots(receives, place.slots.slots, candidates);
  const slotsShort = slots.filter((slot) => slot.publication !== null).length < candidates.length;
  if (slotsShort !== place.slotsShort) turn.patchPlace(to, { slotsShort });
  if (sameSlots(slots, place.slots.slots) && toldSame) return;
  const told: Slots = { revision: place.slots.revision + 1, slots: slots as Slot[] };
  const table = { ...told, ...(camera ? { camera } : {}), ...(screen ? { screen } : {}) };
  turn.patchPlace(to, { slots: table, slotsToldAt: turn.now });
  turn.tell(place.link, { type: "slots", to, table });
}

/** Rows are kept in no particular order of importance; the order of the keys is that of publishing, which is stable. */
function candidatesFor(place: Place): SlotCandidate[] {
  return Object.values(place.rows).map((row) => ({
    publication: row.publication,
    kind: kindOf(row.source),
    rank: rankOf(place, row),
  }));
}

function rankOf(place: Place, row: Row): number {
  if (row.intended.value) return 2;
  return place.views[row.publication]?.visible === false ? 1 : 0;
}

function settleAttachments(turn: Turn, to: string, pass: "detach" | "attach"): void {
  const place = turn.place(to);
  if (!place) return;
  const midOf = new Map(place.slots.slots.map((slot) => [slot.publication, slot.mid]));
  for (const row of Object.values(place.rows)) {
    const toMid = midOf.get(row.publication);
    if (toMid === undefined && row.attached === null) continue;
    const fromMid = sectionOf(turn, row);
    const wanted = toMid !== undefined && fromMid !== undefined ? { fromMid, toMid } : null;
    if (sameAttachment(row.attached, wanted)) continue;
    if (pass === "detach" && row.attached) detachRow(turn, row);
    if (pass === "attach" && wanted) attachRow(turn, place, row, wanted);
  }
}

/**
 * The section a row is forwarded from. None while a moderator keeps the source muted: whatever its client goes on
 * sending is not forwarded. It keeps its slots, so that nothing has to be negotiated when it is free again.
 */
function sectionOf(turn: Turn, { from, source }: Row): string | undefined {
  if (turn.info(from)?.media.sources[source].mutedBy !== null) return undefined;
  return turn.place(from)?.media.sends.find((one) => one.source === source)?.mid;
}

function detachRow(turn: Turn, row: Row): void {
  detach(turn, row);
  turn.putRow({ ...row, attached: null, layer: undefined, forwarded: assertFact(row.forwarded, false, turn.wall) });
  refreshRow(turn, row.to, row.publication);
}

function attachRow(turn: Turn, place: Place, row: Row, attached: { fromMid: string; toMid: string }): void {
  const { subscription, publication, from, to } = row;
  const { loudestSpeakers } = turn.config.settings;
  const loudest = row.source === "microphone" && loudestSpeakers > 0 ? { loudest: loudestSpeakers } : {};
  turn.media({ op: "attach", subscription, publication, from, to, kind: kindOf(row.source), ...attached, ...loudest });
  const sender = turn.place(from);
  if (row.source === "camera" && sender && wantsOne(sender)) turn.media({ op: "encodings", publication, one: true });
  turn.putRow({ ...row, attached }, false);
  if (place.views[publication] || row.unreadable) tellView(turn, to, publication);
  refreshRow(turn, to, publication);
}

function sameAttachment(one: Row["attached"], other: Row["attached"]): boolean {
  return one === other || (one?.fromMid === other?.fromMid && one?.toMid === other?.toMid);
}

function sameView(one: View | undefined, other: View | undefined): boolean {
  if (!one || !other) return one === other;
  return (
    one.width === other.width &&
    one.height === other.height &&
    one.visible === other.visible &&
    one.priority === other.priority
  );
}

/** What a publication that no view names is shown like: visible, at a default size that the media plane chooses. */
function defaultView(publication: string): View {
  return { publication, width: 0, height: 0, visible: true, priority: 0 };
}
