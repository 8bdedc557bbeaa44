import { isErrorCode } from "@lodeline/base";
import type { ServerMessage, Topology } from "@lodeline/protocol";
import { NO_SOURCES } from "./media-state.ts";
import {
  command,
  commandDone,
  failCommands,
  flushCommands,
  nextCommandId,
  pursueWish,
  takeCommand,
} from "./member-commands.ts";
import {
  applyEvents,
  applyLedger,
  applySlots,
  applyState,
  compareExpected,
  comparePairs,
  dropMirror,
  isFor,
} from "./member-mirror.ts";
import { NOTHING_OBSERVED } from "./member-receipts.ts";
import { type MemberTurn, sourcesOf } from "./member-turn.ts";
import type { JoinOffer, JoinRequest, MemberInput, Mirror } from "./member-types.ts";

/** Asks for a place. */
export function startJoin(turn: MemberTurn, input: Extract<MemberInput, { kind: "join" }>): void {
  const { room, name, topology, intents, encryption, offer, rejoin } = input;
  const id = input.command ?? nextCommandId(turn.state);
  const { kind } = turn.state.phase;
  if (kind !== "out" && kind !== "removed") {
    const reason = "Leave the room first.";
    return turn.push({ kind: "command-done", id, error: { code: "room/already-member", reason } });
  }
  turn.patch({ intents, encryption, views: [], viewRevision: 0, sentRevision: 0, observed: NOTHING_OBSERVED });
  sendJoin(turn, { room, name, topology, intents, offer, rejoin }, undefined, id);
}

/**
 * Takes the place again: with the sessions that work here, if there are any, else with a fresh offer where the room
 * needs one.
 */
export function rejoin(turn: MemberTurn, why: string, keeps?: readonly string[]): void {
  const { phase } = turn.state;
  // The same request under the same id, on a new link: if the first one was heard, the answer is the same place.
  if (phase.kind === "joining") return flushCommands(turn);
  if (phase.kind !== "in") return;
  const { mirror } = phase;
  const claim = { participant: mirror.participant, token: mirror.rejoinToken };
  const { request } = phase;
  const works = request.offer !== undefined && keeps?.includes(request.offer.session);
  if (mirror.room.topology === "mesh" || works) return sendJoin(turn, { ...request, rejoin: claim, keeps }, mirror);
  withOffer(turn, { ...request, rejoin: claim }, mirror, why);
}

/** The place is gone, though nobody has left: asks for another. */
export function joinAnew(turn: MemberTurn, participant: string, code: string, reason: string): void {
  const { phase } = turn.state;
  if (phase.kind !== "in" && phase.kind !== "joining") return;
  turn.push({ kind: "place-lost", participant, code, reason });
  const { mirror } = phase;
  const request: JoinRequest = { ...phase.request, rejoin: undefined };
  const isStale = phase.kind === "in" || request.keeps !== undefined;
  if (isStale && mirror?.room.topology === "sfu") withOffer(turn, request, mirror, reason);
  else sendJoin(turn, { ...request, keeps: undefined }, mirror);
}

/** Asks for a fresh offer, to join with. */
function withOffer(turn: MemberTurn, old: JoinRequest, mirror: Mirror, why: string): void {
  const request: JoinRequest = { ...old, offer: undefined, keeps: undefined };
  const command = nextCommandId(turn.state);
  turn.patch({ phase: { kind: "joining", command, request, awaitingOffer: true, mirror } });
  turn.push({ kind: "need-offer", why });
}

/** A new link while leaving: the place hangs on the old one, so it is taken once more, to be left. */
export function retakeToLeave(turn: MemberTurn): void {
  const { phase, commands } = turn.state;
  if (phase.kind !== "leaving") return;
  const { participant, rejoinToken, room } = phase.mirror;
  const { name } = phase.request;
  turn.patch({ commands: [] });
  command(turn, {
    type: "join",
    id: nextCommandId(turn.state),
    room: room.room,
    name,
    sources: NO_SOURCES,
    rejoin: { participant, token: rejoinToken },
  });
  turn.patch({ commands: [...turn.state.commands, ...commands.filter((one) => one.message.type === "leave")] });
  flushCommands(turn);
}

/** The fresh offer is there. */
export function giveOffer(turn: MemberTurn, offer: JoinOffer): void {
  const { phase } = turn.state;
  if (phase.kind !== "joining" || !phase.awaitingOffer) return;
  sendJoin(turn, { ...phase.request, offer }, phase.mirror);
}

function sendJoin(turn: MemberTurn, request: JoinRequest, mirror: Mirror | undefined, id?: string): void {
  const { intents } = turn.state;
  const fixed: JoinRequest = { ...request, intents };
  const joinId = id ?? nextCommandId(turn.state);
  turn.patch({
    phase: { kind: "joining", command: joinId, request: fixed, awaitingOffer: false, mirror },
  });
  const { room, name, topology, rejoin: claim, keeps } = fixed;
  const offer = keeps ? undefined : fixed.offer;
  command(turn, {
    type: "join",
    id: joinId,
    room,
    name,
    sources: sourcesOf(turn.state),
    ...(topology === undefined ? {} : { topology }),
    ...(claim === undefined ? {} : { rejoin: claim }),
    ...(keeps === undefined ? {} : { keeps: [...keeps] }),
    ...(offer === undefined ? {} : { session: { session: offer.session, offer: offer.offer } }),
  });
}

/** The place is given. */
export function applyJoined(turn: MemberTurn, message: Extract<ServerMessage, { type: "joined" }>): void {
  const { phase } = turn.state;
  // Also one that was only asked for to be left again.
  const asked = takeCommand(turn, message.id);
  // Given up meanwhile: nobody is to sit there.
  if (phase.kind === "out" || phase.kind === "removed") {
    // Under an id of its own: the next one in order may be announced for another join already.
    return turn.send({ type: "leave", id: `${message.id}.left` });
  }
  if (phase.kind !== "joining" || phase.command !== message.id || !asked) return;
  const { mirror: before } = phase;
  const { participant, incarnation, rejoinToken, room, iceServers, kept } = message;
  // The page and its sessions are the same; only the link is another.
  const goesOn = kept !== undefined && before?.participant === participant && before.incarnation === incarnation;
  const request = asGranted(phase.request, room.topology);
  const mirror = newMirror(message, request, before, goesOn);
  const observed = goesOn ? { ...turn.state.observed, sinceWhole: Number.MAX_SAFE_INTEGER } : NOTHING_OBSERVED;
  // The place counts for itself; what was wished before went with the join, or is wished again.
  turn.patch({ phase: { kind: "in", request, mirror }, sentRevision: 0, observed: { ...observed, nextAt: turn.now } });
  const rejoined = goesOn || incarnation > 1;
  turn.push({ kind: "joined", participant, incarnation, rejoinToken, rejoined, room, iceServers });
  commandDone(turn, message.id);
  if (message.answer) turn.push({ kind: "sfu-answer", session: message.answer.session, sdp: message.answer.sdp });
  if (message.slots) turn.push({ kind: "slots", table: message.slots });
  if (before && before.participant !== participant) dropMirror(turn, before, "left");
  const earlier = before?.participant === participant ? before.room : undefined;
  comparePairs(turn, earlier, room, participant);
  compareExpected(turn);
  for (const what of ["room", "own", "ledger", "slots"] as const) turn.changed(what);
  resume(turn);
  const hasSession = phase.request.keeps ? goesOn : request.offer !== undefined;
  if (room.topology === "sfu" && !hasSession) rejoin(turn, "the room is an sfu room and has had no offer yet");
}

/**
 * The request that a later join goes by. It asks for the topology that the room has: a server that has forgotten the room
 * makes it as it was, whoever comes first. An offer that a mesh did not take is over, and must not go out again.
 */
function asGranted(request: JoinRequest, topology: Topology): JoinRequest {
  const offer = topology === "mesh" ? undefined : request.offer;
  return { ...request, topology, offer, keeps: undefined };
}

function newMirror(
  message: Extract<ServerMessage, { type: "joined" }>,
  request: JoinRequest,
  before: Mirror | undefined,
  goesOn: boolean,
): Mirror {
  const { participant, incarnation, rejoinToken, iceServers, seq, room } = message;
  const receives = request.offer?.offer.receives ?? [];
  const count = (kind: "audio" | "video") => receives.filter((one) => one.kind === kind).length;
  return {
    participant,
    incarnation,
    rejoinToken,
    iceServers,
    seq,
    room,
    ledger: {},
    ledgerRevision: 0,
    slots: message.slots ?? { revision: 0, slots: [] },
    // What the same participant expected before, it goes on expecting: only the difference is said.
    expected: before?.participant === participant ? before.expected : {},
    receives: { audio: count("audio"), video: count("video") },
    needed: { audio: 0, video: 0 },
    ...(goesOn && before ? { receives: before.receives, needed: before.needed } : {}),
  };
}

/** What waited for the place: wishes and views. */
function resume(turn: MemberTurn): void {
  for (const one of turn.state.commands) {
    if (one.message.type !== "media-state") continue;
    takeCommand(turn, one.id);
    // Its wish went with the join, or is sent anew below.
    commandDone(turn, one.id);
  }
  pursueWish(turn);
  if (turn.state.views.length > 0) sendViews(turn);
  flushCommands(turn);
}

/** Tells the room what is shown. */
export function sendViews(turn: MemberTurn): void {
  const revision = turn.state.viewRevision + 1;
  turn.patch({ viewRevision: revision });
  turn.send({ type: "view", revision, views: [...turn.state.views] });
}

/**
 * A message about the room as such. While a join waits it is about an earlier place and means nothing for the one to
 * come: the host says `joined` first and only then anything else.
 */
export function applyRoomMessage(turn: MemberTurn, message: ServerMessage): void {
  if (turn.state.phase.kind === "joining") return;
  switch (message.type) {
    case "room-event":
      return applyEvents(turn, message);
    case "room-state":
      return applyState(turn, message);
    case "slots":
      return applySlots(turn, message);
    case "ledger":
      return applyLedger(turn, message);
  }
}

/** The room let this participant go. Where that was nobody's wish, a place is asked for again. */
export function applyRemoved(
  turn: MemberTurn,
  { to, code, reason }: Extract<ServerMessage, { type: "removed" }>,
): void {
  const { kind } = turn.state.phase;
  // Said of an earlier place, and late: that it was lost has been noticed otherwise.
  if (turn.mirror && !isFor(turn.mirror, to)) return;
  if (kind === "leaving") return endPlace(turn, "link/closed", "left");
  if (kind !== "in") return;
  const { participant } = turn.mirror ?? { participant: "" };
  if (code === "room/lease-expired") return joinAnew(turn, participant, code, reason);
  if (code === "server/draining") {
    // This link ends; the join goes out on the next one.
    turn.patch({ linkOpen: false });
    return joinAnew(turn, participant, code, reason);
  }
  endPlace(turn, code, reason);
}

/** There is no place any more: says so, and ends what hung on it. */
export function endPlace(turn: MemberTurn, code: string, reason: string): void {
  const { phase } = turn.state;
  if (phase.kind === "out" || phase.kind === "removed") return;
  if (phase.mirror) dropMirror(turn, phase.mirror, code === "link/closed" ? "left" : "removed");
  const left = code === "link/closed";
  turn.patch({ phase: left ? { kind: "out" } : { kind: "removed", code, reason }, observed: NOTHING_OBSERVED });
  failCommands(turn, isErrorCode(code) ? code : "room/not-member", reason);
  turn.push({ kind: "removed", code, reason });
}

/** Gives back a place that was asked for and may be given yet: behind the join, on a link that loses nothing. */
export function sayLeave(turn: MemberTurn): void {
  const id = nextCommandId(turn.state);
  turn.patch({ commandSerial: turn.state.commandSerial + 1 });
  turn.send({ type: "leave", id });
}

/** A join was refused. */
export function joinRefused(turn: MemberTurn, error: Extract<ServerMessage, { type: "error" }>): void {
  const { phase } = turn.state;
  if (phase.kind !== "joining") return;
  if (error.code === "room/bad-rejoin" && phase.request.rejoin) {
    takeCommand(turn, phase.command);
    return joinAnew(turn, phase.request.rejoin.participant, error.code, error.reason);
  }
  takeCommand(turn, phase.command);
  const { mirror } = phase;
  if (mirror) endPlace(turn, error.code, error.reason);
  else {
    turn.patch({ phase: { kind: "out" } });
    failCommands(turn, "room/not-member", "The join was refused.");
  }
  commandDone(turn, phase.command, error);
}
