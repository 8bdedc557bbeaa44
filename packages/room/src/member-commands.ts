import { type ErrorCode, isErrorCode, type MonoMs } from "@lodeline/base";
import { type ServerMessage, SOURCES } from "@lodeline/protocol";
import { intentsOf, type MemberConfig, type MemberTurn, sameIntents, sourcesOf } from "./member-turn.ts";
import type { MemberState, PendingCommand } from "./member-types.ts";

/** The id that the next command of a member in this state gets. */
export function nextCommandId(state: MemberState): string {
  return `${state.commandPrefix}.${state.commandSerial + 1}`;
}

/** Sends a command, now or when the link is open, and again until it is answered. */
export function command(turn: MemberTurn, message: PendingCommand["message"]): void {
  const { state } = turn;
  if (message.id === nextCommandId(state)) turn.patch({ commandSerial: state.commandSerial + 1 });
  const pending: PendingCommand = { id: message.id, message, sentAt: undefined, expiresAt: undefined };
  turn.patch({ commands: [...turn.state.commands, pending] });
  flushCommands(turn);
}

/** Sends what waits to be sent. Without a place only a `join` and a `leave` make sense. */
export function flushCommands(turn: MemberTurn): void {
  if (!turn.state.linkOpen) return;
  const placed = turn.state.phase.kind === "in";
  const { commandMs } = turn.config.timers;
  const commands = turn.state.commands.map((one) => {
    if (one.sentAt !== undefined || !(placed || one.message.type === "join" || one.message.type === "leave"))
      return one;
    turn.send(one.message);
    return { ...one, sentAt: turn.now, expiresAt: one.expiresAt ?? turn.now + commandMs };
  });
  turn.patch({ commands });
}

/** The link is open again: what was sent may have arrived, and has its time anew. */
export function rearmCommands(turn: MemberTurn): void {
  const { now } = turn;
  const { commandMs } = turn.config.timers;
  turn.patch({
    commands: turn.state.commands.map((one) =>
      one.sentAt === undefined ? one : { ...one, sentAt: now, expiresAt: now + commandMs },
    ),
  });
  flushCommands(turn);
}

/** It is a new link: nothing that was sent on the old one counts. */
export function unsendCommands(turn: MemberTurn): void {
  turn.patch({
    commands: turn.state.commands.map((one) => ({ ...one, sentAt: undefined, expiresAt: undefined })),
  });
}

/** Takes a pending command off the list. */
export function takeCommand(turn: MemberTurn, id: string): PendingCommand | undefined {
  const found = turn.state.commands.find((one) => one.id === id);
  if (found) turn.patch({ commands: turn.state.commands.filter((one) => one !== found) });
  return found;
}

/** Gives every pending command this end; for a member without a place. */
export function failCommands(turn: MemberTurn, code: ErrorCode, reason: string): void {
  const { commands } = turn.state;
  turn.patch({ commands: [] });
  for (const { id } of commands) turn.push({ kind: "command-done", id, error: { code, reason } });
}

/** Tells how a command ended. */
export function commandDone(turn: MemberTurn, id: string, error?: Extract<ServerMessage, { type: "error" }>): void {
  if (!error) return turn.push({ kind: "command-done", id });
  const code = isErrorCode(error.code) ? error.code : "server/internal";
  turn.push({ kind: "command-done", id, error: { code, reason: error.reason, field: error.field } });
}

/**
 * When a command without an answer is sent again; `undefined` while it is not under way. The first time comes soon, since
 * a loss is noticed by nothing else; then the time since its beginning doubles, since an answer may just be slow.
 */
export function retryAt({ sentAt, expiresAt }: PendingCommand, config: MemberConfig): MonoMs | undefined {
  if (sentAt === undefined || expiresAt === undefined) return undefined;
  const begunAt = expiresAt - config.timers.commandMs;
  return sentAt + Math.max(config.commandRetryMs, sentAt - begunAt);
}

/** When the next command is to be sent again or given up. */
export function commandsDue(state: MemberState, config: MemberConfig): MonoMs | undefined {
  if (!state.linkOpen) return undefined;
  let due: MonoMs | undefined;
  for (const one of state.commands) {
    const retry = retryAt(one, config);
    if (retry === undefined) continue;
    const at = Math.min(retry, one.expiresAt ?? retry);
    if (due === undefined || at < due) due = at;
  }
  return due;
}

/** Whether a wish for the own sources waits for its answer. */
export function wishPending(state: MemberState): boolean {
  return state.commands.some((one) => one.message.type === "media-state");
}

/** Sends the whole wish under the next revision. */
export function sendWish(turn: MemberTurn): void {
  const { state } = turn;
  const revision = Math.max(ownMediaOf(turn)?.revision ?? 0, state.sentRevision) + 1;
  turn.patch({ sentRevision: revision });
  command(turn, { type: "media-state", id: nextCommandId(state), revision, sources: sourcesOf(turn.state) });
}

/**
 * Makes the wish and the room's word agree when nothing is under way: asks again where they differ, and otherwise takes
 * the room's word, so that a mute by a moderator is not undone by an old wish when it is lifted.
 */
export function pursueWish(turn: MemberTurn): void {
  const own = ownMediaOf(turn);
  if (!own || wishPending(turn.state)) return;
  const wish = { ...turn.state.intents };
  for (const source of SOURCES) {
    if (own.sources[source].mutedBy !== null && wish[source] === "live") wish[source] = "muted";
  }
  if (sameIntents(wish, intentsOf(own.sources)) || own.role === "viewer") takeRoomsWord(turn);
  else sendWish(turn);
}

/** Takes what the room says of the own sources for the wish, unless a later wish is still under way. */
export function takeRoomsWord(turn: MemberTurn): void {
  const own = ownMediaOf(turn);
  if (!own || wishPending(turn.state)) return;
  const intents = intentsOf(own.sources);
  if (sameIntents(intents, turn.state.intents)) return;
  turn.patch({ intents });
  turn.changed("own");
}

/**
 * The same once the room's word is not older than the last wish: where the event of it was lost or came late, the wish stands
 * until the room tells it.
 */
export function takeNewerWord(turn: MemberTurn): void {
  if ((ownMediaOf(turn)?.revision ?? 0) >= turn.state.sentRevision) takeRoomsWord(turn);
}

function ownMediaOf(turn: MemberTurn) {
  const { mirror } = turn;
  const own = mirror?.room.participants.find((one) => one.id === mirror.participant);
  return own && { revision: own.media.revision, sources: own.media.sources, role: own.role };
}
