import type { MonoMs } from "@lodeline/base";
import { type Encodings, publicationId } from "@lodeline/protocol";
import type { Place, Row } from "./room-state.ts";
import type { Turn } from "./turn.ts";

/**
 * How many encodings of its camera a place sends, and what the room is about to change of that.
 * `all`: every one that it offered. `waiting`: still all, but few enough are here that one would do, since `since`.
 * `asked`: the media plane is to bring everybody who receives it to one encoding. `one`: its owner was told to send only
 * that. `refused`: one was tried in this session and did not arrive.
 */
export interface EncodingState {
  readonly kind: "all" | "waiting" | "asked" | "one" | "refused";
  readonly since: MonoMs;
  /** With `one`: the RID that everybody has; none had any when it is undefined. */
  readonly keep?: string | undefined;
}

/** What a session begins with. */
export function firstEncoding(now: MonoMs): EncodingState {
  return { kind: "all", since: now };
}

/** What a participant is told of its camera; undefined: all encodings. */
export function toldEncodings({ encoding }: Place): Encodings | undefined {
  if (encoding.kind !== "one") return undefined;
  return encoding.keep === undefined ? { send: "one" } : { send: "one", keep: encoding.keep };
}

/** Whether two say the same. */
export function sameEncodings(one: Encodings | undefined, other: Encodings | undefined): boolean {
  return one?.send === other?.send && one?.keep === other?.keep;
}

/** Whether forwarders are to stay with one encoding of a camera: said of each that is attached meanwhile. */
export function wantsOne({ encoding }: Place): boolean {
  return encoding.kind === "asked" || encoding.kind === "one";
}

/**
 * Brings every camera in line with how many are in the room. More: at once, for the newcomer has no connection yet and
 * finds all layers there. Fewer: after a while, since who has gone may come back, and only when all have the one. A new
 * connection has that while as well: Chromium judges the size of a sole encoding by what it knows of the path as it begins,
 * and would send 320x180 for half a minute over one that carries ten times that.
 */
export function settleEncodings(turn: Turn): void {
  if (turn.config.topology === "mesh") return;
  const few = turn.snapshot.participants.length <= turn.config.settings.oneEncodingUpTo;
  for (const place of Object.values(turn.places)) settle(turn, place, few);
}

function settle(turn: Turn, place: Place, few: boolean): void {
  const { encoding, media } = place;
  if (!few) {
    if (encoding.kind !== "all" && encoding.kind !== "refused") sendAll(turn, place, "all");
    return;
  }
  switch (encoding.kind) {
    case "all":
      if (media.upAt === undefined || !media.sends.some(({ source }) => source === "camera")) return;
      return put(turn, place, { kind: "waiting", since: turn.now });
    case "waiting":
      if (turn.now < encoding.since + turn.config.settings.oneEncodingAfterMs) return;
      // Nobody has anything that could be taken away.
      if (attachedRow(turn, place) === undefined) return sendOne(turn, place, undefined);
      put(turn, place, { kind: "asked", since: turn.now });
      return ask(turn, place, true);
    case "asked":
      if (attachedRow(turn, place) === undefined) sendOne(turn, place, undefined);
      return;
    case "one":
      if (swallowed(turn, place)) sendAll(turn, place, "refused");
      return;
    case "refused":
      return;
  }
}

/** When {@link settleEncodings} has something to do. */
export function encodingDue(turn: Turn, { encoding }: Place): MonoMs | undefined {
  return encoding.kind === "waiting" ? encoding.since + turn.config.settings.oneEncodingAfterMs : undefined;
}

/** The media plane's word that all who receive a camera have this encoding of it, and need no other. */
export function oneReached(turn: Turn, participant: string, rid: string): void {
  const place = turn.place(participant);
  if (place?.encoding.kind === "asked") sendOne(turn, place, rid === "" ? undefined : rid);
}

function sendOne(turn: Turn, place: Place, keep: string | undefined): void {
  put(turn, place, { kind: "one", since: turn.now, keep });
  turn.unsettled.add(place.participant);
}

function sendAll(turn: Turn, place: Place, kind: "all" | "refused"): void {
  const told = place.encoding.kind === "one";
  if (wantsOne(place)) ask(turn, place, false);
  put(turn, place, { kind, since: turn.now });
  if (told) turn.unsettled.add(place.participant);
}

function ask(turn: Turn, place: Place, one: boolean): void {
  if (attachedRow(turn, place) === undefined) return;
  turn.media({ op: "encodings", publication: publicationId(place.participant, "camera"), one });
}

function put(turn: Turn, { participant }: Place, encoding: EncodingState): void {
  turn.patchPlace(participant, { encoding });
}

/** A subscription of its camera for which something is forwarded. */
function attachedRow(turn: Turn, { participant }: Place): Row | undefined {
  return turn.rowsFrom(participant).find((row) => row.source === "camera" && row.attached !== null);
}

/** Whether its owner says that it sends, and yet nothing arrives for so long that a replay has begun. */
function swallowed(turn: Turn, place: Place): boolean {
  const camera = place.published.camera;
  if (camera?.saysSent !== true || camera.arriving !== false) return false;
  return turn.rowsFrom(place.participant).some((row) => row.source === "camera" && row.replay?.hop === "uplink");
}
