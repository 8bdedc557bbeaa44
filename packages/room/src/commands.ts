import type { ErrorCode } from "@lodeline/base";
import {
  type MediaState,
  type Moderation,
  parsePublicationId,
  type ServerMessage,
  SOURCES,
  type Sources,
  type View,
} from "@lodeline/protocol";
import { admitSources, allowSource, muteSource, publishesAny, sameSources } from "./media-state.ts";
import { depart, dissolve } from "./membership.ts";
import type { RoomMessage } from "./room-input.ts";
import type { ModeratorMute, Place } from "./room-state.ts";
import { applyViews, syncPublisher } from "./subscriptions.ts";
import type { Turn } from "./turn.ts";
import { isWithin, judgeIdentity, noteMute } from "./verdicts.ts";

type Message<T extends RoomMessage["type"]> = Extract<RoomMessage, { type: T }>;

/** Why a command is refused. */
interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly field?: string;
}

/** A revision may not run this far ahead: nobody makes so many changes, and numbers must not run out. */
const FARTHEST_REVISION = 1_000_000;

/** A participant's own wish for its sources. Last writer wins, by revision. */
export function mediaState(turn: Turn, place: Place, message: Message<"media-state">): void {
  once(turn, place, message.id, () => {
    const info = turn.info(place.participant);
    if (!info) return NOT_MEMBER;
    const { revision } = message;
    if (revision <= info.media.revision) {
      return refusal("room/stale-revision", `The media state is at revision ${info.media.revision}.`, "revision");
    }
    if (revision > info.media.revision + FARTHEST_REVISION) {
      return refusal("protocol/malformed", "The revision is too far ahead.", "revision");
    }
    if (info.role === "viewer" && publishesAny(message.sources)) {
      return refusal("auth/forbidden", "A viewer publishes nothing.", "sources");
    }
    const sources = admitSources(message.sources, info.media.sources, info.role, true);
    noteOpened(turn, place.identity, info.media.sources, sources);
    setMedia(turn, place.participant, { revision, sources });
    return undefined;
  });
}

/** What only a moderator may do. */
export function moderate(turn: Turn, place: Place, message: Message<"moderate">): void {
  once(turn, place, message.id, () => {
    if (turn.info(place.participant)?.role !== "moderator") {
      return refusal("auth/forbidden", "Only a moderator may do this.", "action.kind");
    }
    return moderation(turn, place.participant, message.action);
  });
}

/** What the receiver shows. An older table than the one known is late, and ignored. */
export function view(turn: Turn, place: Place, message: Message<"view">): void {
  if (message.revision <= place.viewRevision) return;
  turn.patchPlace(place.participant, { viewRevision: message.revision });
  const views: Record<string, View> = {};
  for (const one of message.views) if (parsePublicationId(one.publication)) views[one.publication] = one;
  applyViews(turn, place.participant, views);
}

/** The participant goes by itself. */
export function leave(turn: Turn, place: Place, message: Message<"leave">): void {
  turn.tell(place.link, { type: "ok", id: message.id });
  depart(turn, place.participant, "left", "link/closed", "left");
}

function moderation(turn: Turn, by: string, action: Moderation): Refusal | undefined {
  if (action.kind === "lock") {
    if (turn.snapshot.locked !== action.locked) turn.event({ kind: "locked", locked: action.locked, by });
    return undefined;
  }
  if (action.kind === "end") {
    dissolve(turn, "ended", by, "A moderator ended the room for all.");
    return undefined;
  }
  if (action.kind === "readmit") {
    judgeIdentity(turn, action.identity, { removed: false });
    return undefined;
  }
  return ofParticipant(turn, by, action);
}

function ofParticipant(
  turn: Turn,
  by: string,
  action: Extract<Moderation, { participant: string }>,
): Refusal | undefined {
  const target = turn.info(action.participant);
  if (!target) return refusal("room/unknown-participant", "No such participant in the room.", "action.participant");
  const { id, identity, media } = target;
  switch (action.kind) {
    case "mute":
      if (by !== id) noteMute(turn, identity, action.source, muteOf(by, action));
      raiseMedia(turn, id, media, muteSource(media.sources, action.source, by === id ? undefined : muteOf(by, action)));
      return undefined;
    case "allow":
      noteMute(turn, identity, action.source, undefined);
      raiseMedia(turn, id, media, allowSource(media.sources, action.source));
      return undefined;
    case "remove":
      judgeIdentity(turn, identity, { removed: true });
      depart(turn, id, "removed", "room/removed", "A moderator removed you from the room.");
      return undefined;
    case "role":
      if (target.role === action.role) return undefined;
      if (!isWithin(action.role, turn.place(id)?.maxRole ?? action.role)) {
        return refusal("auth/forbidden", "The token of this participant does not allow that role.", "action.role");
      }
      judgeIdentity(turn, identity, { role: action.role });
      turn.event({ kind: "role", participant: id, role: action.role, by });
      raiseMedia(turn, id, media, admitSources(media.sources, media.sources, action.role));
      return undefined;
  }
}

function muteOf(mutedBy: string, { mayUnmute }: Extract<Moderation, { kind: "mute" }>): ModeratorMute {
  return mayUnmute ? { mutedBy, mayUnmute } : { mutedBy };
}

/** What its owner has opened by itself, as it may, is no moderator's mute any more. */
function noteOpened(turn: Turn, identity: string, before: Sources, after: Sources): void {
  for (const source of SOURCES) {
    if (before[source].mutedBy !== null && after[source].mutedBy === null) noteMute(turn, identity, source, undefined);
  }
}

/** A change by the room: the next revision, so that a wish sent meanwhile is stale and is made again on top of it. */
function raiseMedia(turn: Turn, participant: string, media: MediaState, sources: Sources): void {
  if (!sameSources(media.sources, sources)) setMedia(turn, participant, { revision: media.revision + 1, sources });
}

function setMedia(turn: Turn, participant: string, media: MediaState): void {
  turn.event({ kind: "media-state", participant, media });
  syncPublisher(turn, participant);
}

/** Does a command once and answers it as often as it is sent. */
function once(turn: Turn, place: Place, id: string, act: () => Refusal | undefined): void {
  const known = place.answers.find((answer) => answer.id === id);
  if (known) return turn.tell(place.link, known.message);
  const refused = act();
  const message: ServerMessage = refused ? { type: "error", id, ...refused } : { type: "ok", id };
  turn.tell(place.link, message);
  const present = turn.place(place.participant);
  if (!present) return;
  const kept = present.answers.slice(1 - turn.config.settings.commandMemory);
  turn.patchPlace(place.participant, { answers: [...kept, { id, message }] });
}

function refusal(code: ErrorCode, reason: string, field: string): Refusal {
  return { code, reason, field };
}

const NOT_MEMBER: Refusal = { code: "room/not-member", reason: "The sender is not in the room." };
