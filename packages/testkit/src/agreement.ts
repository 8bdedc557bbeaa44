import type { RoomView } from "@lodeline/hub";
import { sessionIdOf } from "@lodeline/participant";
import {
  kindOf,
  type ParticipantInfo,
  publicationId,
  SERVER_PEER_IDENTITY,
  SOURCES,
  subscriptionId,
} from "@lodeline/protocol";
import { SERVER_ENDPOINT } from "./fake-media-engine.ts";
import type { SimulatedPerson } from "./simulated-person.ts";
import { sessionUnder, type World } from "./world.ts";

/**
 * What the parties do not agree on: empty when the authority, every mirror, every session, every ledger row and what
 * truly flows tell the same. Asked when faults have stopped.
 */
export function disagreements(world: World): string[] {
  const found: string[] = [];
  if (!world.isServing) return ["the server is down"];
  const rooms = world.server.hub.rooms();
  for (const person of world.people) checkMembership(person, found);
  for (const room of rooms) checkPlaces(world, room, found);
  for (const room of rooms) checkRoom(world, room, found);
  if (found.length > 0) return found;
  for (const room of rooms) checkMedia(world, room, found);
  checkCalls(world, found);
  checkSessions(world, rooms, found);
  return found;
}

/** What is still held when everybody has left: empty when nothing is. */
export function leftovers(world: World): string[] {
  const found: string[] = [];
  for (const person of world.people) {
    if (person.participant && !person.participant.closed) found.push(`${person.host} is not closed`);
    if (person.openPeers > 0) found.push(`${person.host} has ${person.openPeers} drivers open`);
    for (const kind of ["audio", "video"] as const) {
      if (person.devices.live(kind)) found.push(`${person.host}'s ${kind} device is still on`);
    }
  }
  const status = world.server.hub.status();
  for (const [name, count] of Object.entries(status)) {
    if (typeof count === "number" && count > 0) found.push(`the hub holds ${count} ${name}`);
  }
  if (world.store && world.store.size > 0) found.push(`the disk holds ${world.store.size} records`);
  if (world.plane.open > 0) found.push(`${world.plane.open} connections are open`);
  if (world.network.openSockets > 0) found.push(`${world.network.openSockets} sockets are open`);
  return found;
}

function checkMembership(person: SimulatedPerson, found: string[]): void {
  const { host, wanted, participant } = person;
  // The page is gone: whether anything of it is left is asked of the room.
  if (!participant) return;
  const { membership, linkState } = participant;
  if (linkState !== "open") found.push(`${host}: link ${linkState}`);
  if (wanted && membership !== "joined" && !isKeptOut(person)) found.push(`${host}: ${membership}`);
  if (!wanted && membership !== "outside") found.push(`${host}: ${membership}`);
}

/** Whether the authority has said why this person is not in, and that is still so when it tries again. */
function isKeptOut({ refusedBy }: SimulatedPerson): boolean {
  return refusedBy !== undefined && KEPT_OUT.has(refusedBy);
}

const KEPT_OUT: ReadonlySet<string> = new Set(["room/full", "room/locked", "room/removed"]);

/** Everybody who wants to be in has one place, nobody else has any: no ghost. */
function checkPlaces(world: World, room: RoomView, found: string[]): void {
  const { participants, locked } = room.snapshot;
  const full = participants.length >= (world.maxParticipants ?? Number.POSITIVE_INFINITY);
  for (const person of world.people) {
    const places = participants.filter((one) => holderOf(world, one) === person).length;
    const isIn = person.participant?.membership === "joined" && person.wanted?.room === room.room;
    if (places !== (isIn ? 1 : 0)) found.push(`${person.host} has ${places} places, should have ${isIn ? 1 : 0}`);
    if (isIn || !person.wanted || !person.participant) continue;
    if (person.refusedBy === "room/full" && !full) found.push(`${person.host} is kept out of a room that is not full`);
    if (person.refusedBy === "room/locked" && !locked)
      found.push(`${person.host} is kept out of a room that is not locked`);
  }
  for (const info of participants) {
    if (!holderOf(world, info)) found.push(`a ghost of ${info.identity} is in the room`);
  }
}

/** The person whose page holds a place, as the page itself knows it. */
function holderOf(world: World, info: ParticipantInfo): SimulatedPerson | undefined {
  return world.people.find((one) => one.participant?.place?.participant === info.id);
}

function checkRoom(world: World, room: RoomView, found: string[]): void {
  for (const info of room.snapshot.participants) {
    const person = holderOf(world, info);
    if (!person) continue;
    if (info.presence !== "connected") found.push(`${info.identity} is ${info.presence}`);
    if (!same(person.participant?.room, room.snapshot)) found.push(`${info.identity} sees another room`);
    checkIntents(person, info, found);
  }
}

function checkIntents(person: SimulatedPerson, info: ParticipantInfo, found: string[]): void {
  for (const source of SOURCES) {
    const { intent, mutedBy } = info.media.sources[source];
    // Where a moderator has acted, the room's word stands; the person's page must only know it.
    const own = person.moderated.has(source) ? person.participant?.ownSources[source].intent : undefined;
    const wanted = own ?? person.sources[source];
    const due = mutedBy !== null && wanted === "live" ? "muted" : wanted;
    if (info.role !== "viewer" && intent !== due)
      found.push(`${info.identity}'s ${source} is ${intent}, wanted ${due}`);
  }
}

function checkMedia(world: World, room: RoomView, found: string[]): void {
  const { participants, pairs, topology } = room.snapshot;
  const rows = new Map(room.ledger.map((row) => [row.subscription, row]));
  const personOf = (info: ParticipantInfo) => holderOf(world, info);
  for (const to of participants) {
    const receiver = personOf(to);
    for (const from of participants) {
      if (from.id === to.id || !receiver) continue;
      for (const source of SOURCES) {
        const publication = publicationId(from.id, source);
        const { intent, mutedBy } = from.media.sources[source];
        const standing = rows.get(subscriptionId(publication, to.id))?.standing ?? "off";
        const here = receiver.participant?.standing(publication);
        const isShown = receiver.views.shows(from.identity, source);
        const due = intent === "live" && mutedBy === null && isShown ? "received" : "off";
        const name = `${from.identity}'s ${source} at ${to.identity}`;
        if (standing !== due) found.push(`${name}: ledger says ${standing}, should be ${due}`);
        if (here !== due) found.push(`${name}: receiver says ${here}, should be ${due}`);
        const hears = receiver.hears(publication);
        if (due === "received" && !hears) found.push(`${name}: nothing arrives in truth`);
        // Whom a moderator muted, and who publishes nothing, is not heard: the sfu sees to it whatever the page does. The
        // rest, and all of it in a mesh, is the page's own to keep.
        const isEnforced = topology === "sfu" && (mutedBy !== null || intent === "unpublished");
        const mustBeSilent = isEnforced || !personOf(from)?.stubborn;
        if (hears && mustBeSilent && (intent !== "live" || mutedBy !== null))
          found.push(`${name}: it is heard although ${intent}`);
      }
    }
  }
  if (topology === "mesh") {
    for (const pair of pairs) {
      for (const [one, other] of [
        [pair.a, pair.b],
        [pair.b, pair.a],
      ] as const) {
        const info = participants.find((each) => each.id === one);
        const person = info && personOf(info);
        const view = person?.participant?.session(`pair:${other}`);
        if (view?.state.kind !== "Active") found.push(`${info?.identity}: pair is ${view?.state.kind ?? "gone"}`);
        else if (view.state.session !== pair.session) found.push(`${info?.identity}: another pair session`);
      }
    }
  } else {
    for (const info of participants) {
      const state = personOf(info)?.participant?.session("sfu")?.state;
      if (state?.kind !== "Active" || !state.media)
        found.push(`${info.identity}: sfu session ${state?.kind ?? "gone"}`);
    }
  }
}

function checkCalls(world: World, found: string[]): void {
  for (const person of world.people) {
    for (const view of person.participant?.sessions ?? []) {
      if (view.use !== "call") continue;
      const session = sessionUnder(person.participant, view.key);
      const { kind } = view.state;
      const theirs = world.people
        .filter((one) => one.identity === view.remote)
        .flatMap((one) => one.participant?.session(`call:${person.identity}`) ?? [])
        .filter((one) => sessionIdOf(one.state) === session);
      if (isRinging(kind, theirs)) continue;
      if (kind !== "Active") found.push(`${person.host}: ${view.key} is ${kind}`);
      if (view.remote !== SERVER_PEER_IDENTITY && theirs.length !== 1)
        found.push(`${person.host}: ${view.key} is ${session}, which ${theirs.length} others have`);
      if (view.remote !== SERVER_PEER_IDENTITY && theirs[0]?.state.kind === "Active")
        checkCallMedia(world, person, view, found);
    }
  }
}

/** Nobody has answered yet, and both ends say so. */
function isRinging(kind: string, theirs: readonly View[]): boolean {
  if (kind === "IncomingInit") return theirs.length === 1 && theirs[0]?.state.kind === "OutgoingInit";
  return kind === "OutgoingInit" && theirs.length > 0 && theirs.every((one) => one.state.kind === "IncomingInit");
}

type View = NonNullable<SimulatedPerson["participant"]>["sessions"][number];

function checkCallMedia(world: World, person: SimulatedPerson, view: View, found: string[]): void {
  const session = sessionIdOf(view.state);
  const other = world.people.find(
    (one) => one.identity === view.remote && sessionUnder(one.participant, `call:${person.identity}`) === session,
  );
  for (const source of ["microphone", "camera"] as const) {
    const has = kindOf(source) === "audio" ? view.audio : view.video;
    if (!has || !other?.devices.live(kindOf(source))) continue;
    const publication = publicationId(view.remote, source);
    const standing = person.participant?.standing(publication);
    if (standing !== "received") found.push(`${person.identity}: ${view.key} ${source} is ${standing}`);
    if (!person.hears(publication)) found.push(`${person.identity}: ${view.key} ${source}: nothing arrives in truth`);
  }
}

function checkSessions(world: World, rooms: readonly RoomView[], found: string[]): void {
  for (const person of world.people) {
    const sessions = person.participant?.sessions.filter((one) => !BEFORE_ACCEPT.has(one.state.kind)).length ?? 0;
    if (person.openPeers !== sessions)
      found.push(`${person.host}: ${person.openPeers} drivers for ${sessions} sessions`);
  }
  const inSfu = rooms
    .filter((room) => room.snapshot.topology === "sfu")
    .reduce((sum, room) => sum + room.snapshot.participants.length, 0);
  const { media, serverPeer } = world.server;
  if (media.sessions !== inSfu) found.push(`the sfu has ${media.sessions} sessions for ${inSfu} participants`);
  const open = world.plane.openOn(SERVER_ENDPOINT);
  if (open !== media.sessions + serverPeer.sessions) found.push(`the server has ${open} connections open`);
}

/** No driver is needed before somebody has accepted. */
const BEFORE_ACCEPT: ReadonlySet<string> = new Set(["IncomingInit", "OutgoingInit"]);

/** Whether two plain values say the same, in whatever order their keys stand. */
function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => same((one as Fields)[key], (other as Fields)[key]));
}

type Fields = Readonly<Record<string, unknown>>;
