import type { RoomView } from "@lodeline/hub";
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
  const rooms = world.server.hub.rooms();
  for (const person of world.people) checkMembership(person, rooms, found);
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
    if (person.participant && !person.participant.closed) found.push(`${person.identity} is not closed`);
    if (person.openPeers > 0) found.push(`${person.identity} has ${person.openPeers} drivers open`);
    for (const kind of ["audio", "video"] as const) {
      if (person.devices.live(kind)) found.push(`${person.identity}'s ${kind} device is still on`);
    }
  }
  const status = world.server.hub.status();
  for (const [name, count] of Object.entries(status)) {
    if (typeof count === "number" && count > 0) found.push(`the hub holds ${count} ${name}`);
  }
  if (world.plane.open > 0) found.push(`${world.plane.open} connections are open`);
  if (world.network.openSockets > 0) found.push(`${world.network.openSockets} sockets are open`);
  return found;
}

function checkMembership(person: SimulatedPerson, rooms: readonly RoomView[], found: string[]): void {
  const { identity, wanted, participant } = person;
  const membership = participant?.membership ?? "outside";
  if (participant?.linkState !== "open") found.push(`${identity}: link ${participant?.linkState ?? "gone"}`);
  if (wanted ? membership !== "joined" : membership !== "outside") found.push(`${identity}: ${membership}`);
  for (const room of rooms) {
    const places = room.snapshot.participants.filter((one) => one.identity === identity).length;
    const due = room.room === wanted?.room ? 1 : 0;
    if (places !== due) found.push(`${identity} has ${places} places in ${room.room}, should have ${due}`);
  }
}

function checkRoom(world: World, room: RoomView, found: string[]): void {
  for (const info of room.snapshot.participants) {
    const person = world.people.find((one) => one.identity === info.identity);
    if (!person) continue;
    if (info.presence !== "connected") found.push(`${info.identity} is ${info.presence}`);
    if (person.participant?.place?.participant !== info.id) found.push(`${info.identity} holds another place`);
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
  const personOf = (info: ParticipantInfo) => world.people.find((one) => one.identity === info.identity);
  for (const to of participants) {
    const receiver = personOf(to);
    for (const from of participants) {
      if (from.id === to.id || !receiver) continue;
      for (const source of SOURCES) {
        const publication = publicationId(from.id, source);
        const { intent, mutedBy } = from.media.sources[source];
        const standing = rows.get(subscriptionId(publication, to.id))?.standing ?? "off";
        const here = receiver.participant?.standing(publication);
        const due = intent === "live" && mutedBy === null ? "received" : "off";
        const name = `${from.identity}'s ${source} at ${to.identity}`;
        if (standing !== due) found.push(`${name}: ledger says ${standing}, should be ${due}`);
        if (here !== due) found.push(`${name}: receiver says ${here}, should be ${due}`);
        if (due === "received" && !receiver.hears(publication)) found.push(`${name}: nothing arrives in truth`);
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
      if (kind !== "Active") found.push(`${person.identity}: ${view.key} is ${kind}`);
      if (view.remote === SERVER_PEER_IDENTITY) continue;
      const other = world.people.find((one) => one.identity === view.remote);
      const theirs = sessionUnder(other?.participant, `call:${person.identity}`);
      if (theirs !== session)
        found.push(`${person.identity}: ${view.key} is ${session}, there it is ${theirs ?? "gone"}`);
      checkCallMedia(person, view, found);
    }
  }
}

type View = NonNullable<SimulatedPerson["participant"]>["sessions"][number];

function checkCallMedia(person: SimulatedPerson, view: View, found: string[]): void {
  for (const source of ["microphone", "camera"] as const) {
    const has = kindOf(source) === "audio" ? view.audio : view.video;
    if (!has || !person.remoteHasDevice(view.remote, source)) continue;
    const publication = publicationId(view.remote, source);
    const standing = person.participant?.standing(publication);
    if (standing !== "received") found.push(`${person.identity}: ${view.key} ${source} is ${standing}`);
    if (!person.hears(publication)) found.push(`${person.identity}: ${view.key} ${source}: nothing arrives in truth`);
  }
}

function checkSessions(world: World, rooms: readonly RoomView[], found: string[]): void {
  for (const person of world.people) {
    const sessions = person.participant?.sessions.filter((one) => one.state.kind !== "IncomingInit").length ?? 0;
    if (person.openPeers !== sessions)
      found.push(`${person.identity}: ${person.openPeers} drivers for ${sessions} sessions`);
  }
  const inSfu = rooms
    .filter((room) => room.snapshot.topology === "sfu")
    .reduce((sum, room) => sum + room.snapshot.participants.length, 0);
  const { media, serverPeer } = world.server;
  if (media.sessions !== inSfu) found.push(`the sfu has ${media.sessions} sessions for ${inSfu} participants`);
  const open = world.plane.openOn(SERVER_ENDPOINT);
  if (open !== media.sessions + serverPeer.sessions) found.push(`the server has ${open} connections open`);
}

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
