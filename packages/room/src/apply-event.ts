import type { Pair, ParticipantInfo, RoomEvent, RoomSnapshot } from "@lodeline/protocol";

/**
 * The one fold over a room's log, used by the authority and by every mirror of it: equal events give equal rooms.
 * Pure; an event about somebody who is not there changes nothing.
 */
export function applyEvent(room: RoomSnapshot, event: RoomEvent): RoomSnapshot {
  switch (event.kind) {
    case "peer-joined":
      return joined(room, event.participant, event.pairs);
    case "peer-left":
      return {
        ...room,
        participants: room.participants.filter((one) => one.id !== event.participant),
        pairs: withoutPairsOf(room.pairs, event.participant),
      };
    case "presence":
      return withPresence(room, event);
    case "media-state":
      return withParticipant(room, event.participant, { media: event.media });
    case "role":
      return withParticipant(room, event.participant, { role: event.role });
    case "renamed":
      return withParticipant(room, event.participant, { name: event.name });
    case "pair-renewed":
      return { ...room, pairs: room.pairs.map((one) => (samePair(one, event.pair) ? event.pair : one)) };
    case "locked":
      return { ...room, locked: event.locked };
    case "ended":
      return { ...room, participants: [], pairs: [] };
  }
}

/** Somebody who comes back keeps the place in the list; its pairs are all new. */
function joined(room: RoomSnapshot, participant: ParticipantInfo, pairs: readonly Pair[]): RoomSnapshot {
  const known = room.participants.some((one) => one.id === participant.id);
  return {
    ...room,
    participants: known
      ? room.participants.map((one) => (one.id === participant.id ? participant : one))
      : [...room.participants, participant],
    pairs: [...withoutPairsOf(room.pairs, participant.id), ...pairs],
  };
}

function withParticipant(room: RoomSnapshot, id: string, change: Partial<ParticipantInfo>): RoomSnapshot {
  if (!room.participants.some((one) => one.id === id)) return room;
  return { ...room, participants: room.participants.map((one) => (one.id === id ? { ...one, ...change } : one)) };
}

function withPresence(room: RoomSnapshot, event: Extract<RoomEvent, { kind: "presence" }>): RoomSnapshot {
  const { participant, presence, since } = event;
  const participants = room.participants.map((one) => {
    if (one.id !== participant) return one;
    const { suspectSince: _before, ...rest } = one;
    return { ...rest, presence, ...(presence === "suspect" && since !== undefined ? { suspectSince: since } : {}) };
  });
  return { ...room, participants };
}

function withoutPairsOf(pairs: readonly Pair[], id: string): Pair[] {
  return pairs.filter((one) => one.a !== id && one.b !== id);
}

function samePair(one: Pair, other: Pair): boolean {
  return one.a === other.a && one.b === other.b;
}
