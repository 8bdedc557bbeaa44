import type { Machine, MonoMs, Step, Tick } from "@lodeline/base";
import type { ServerMessage, Sources } from "@lodeline/protocol";
import {
  command,
  commandDone,
  commandsDue,
  flushCommands,
  nextCommandId,
  pursueWish,
  rearmCommands,
  retryAt,
  sendWish,
  takeCommand,
  takeNewerWord,
  takeRoomsWord,
  unsendCommands,
} from "./member-commands.ts";
import { compareExpected, compareSlots } from "./member-mirror.ts";
import {
  applyJoined,
  applyRemoved,
  applyRoomMessage,
  endPlace,
  giveOffer,
  joinRefused,
  rejoin,
  retakeToLeave,
  sayLeave,
  sendViews,
  startJoin,
} from "./member-place.ts";
import { confirmSoon, NOTHING_OBSERVED, observe, receiptDue, sendReceipt } from "./member-receipts.ts";
import { type MemberConfig, MemberTurn, sourcesOf } from "./member-turn.ts";
import type { Intents, MemberEffect, MemberInput, MemberOptions, MemberState } from "./member-types.ts";

const NOTHING: Intents = {
  microphone: "unpublished",
  camera: "unpublished",
  screen: "unpublished",
  "screen-audio": "unpublished",
};

/**
 * One participant's side of a room: the mirror of what the authority says, its own wishes ahead of the answer, receipts
 * of what it sends and receives, and the way back after a lost link. A pure machine; never throws.
 */
export function createMember(options: MemberOptions): Machine<MemberState, MemberInput, MemberEffect> {
  const config: MemberConfig = { timers: options.timers, commandRetryMs: options.commandRetryMs ?? 400 };
  return {
    initial: {
      phase: { kind: "out" },
      linkOpen: false,
      intents: NOTHING,
      encryption: undefined,
      sentRevision: 0,
      commands: [],
      commandPrefix: options.commandPrefix,
      commandSerial: 0,
      viewRevision: 0,
      views: [],
      observed: NOTHING_OBSERVED,
    },
    step: (state, input, now) => step(config, state, input, now),
    deadline: (state) => deadline(config, state),
  };
}

/**
 * How the phases may follow each other. Staying is always allowed.
 */
export const MEMBER_EDGES: Readonly<Record<MemberState["phase"]["kind"], readonly MemberState["phase"]["kind"][]>> = {
  out: ["joining"],
  joining: ["in", "out", "removed"],
  in: ["joining", "leaving", "removed"],
  leaving: ["out"],
  removed: ["joining"],
};

/** The own sources as this participant sees them: its wish, under what a moderator muted. */
export function ownSources(state: MemberState): Sources {
  const wish = sourcesOf(state);
  const { phase } = state;
  const mirror = "mirror" in phase ? phase.mirror : undefined;
  const told = mirror?.room.participants.find((one) => one.id === mirror.participant)?.media.sources;
  if (!told) return wish;
  const own = (source: keyof Sources) => {
    const { intent: _told, ...mute } = told[source];
    const { intent } = wish[source];
    return {
      intent: mute.mutedBy !== null && !mute.mayUnmute && intent === "live" ? ("muted" as const) : intent,
      ...mute,
    };
  };
  return {
    microphone: own("microphone"),
    camera: own("camera"),
    screen: own("screen"),
    "screen-audio": own("screen-audio"),
  };
}

type Handlers = {
  readonly [K in (MemberInput | Tick)["kind"]]: (
    turn: MemberTurn,
    input: Extract<MemberInput | Tick, { kind: K }>,
  ) => void;
};

const HANDLERS: Handlers = {
  join: startJoin,
  message: (turn, { message }) => receive(turn, message),
  "set-source": (turn, { source, intent }) => {
    const { intents, phase } = turn.state;
    if (intents[source] === intent) return;
    turn.patch({ intents: { ...intents, [source]: intent } });
    turn.changed("own");
    if (phase.kind === "in") sendWish(turn);
  },
  moderate: (turn, { action }) => {
    const id = nextCommandId(turn.state);
    const { kind } = turn.state.phase;
    if (kind === "in" || kind === "joining") return command(turn, { type: "moderate", id, action });
    turn.patch({ commandSerial: turn.state.commandSerial + 1 });
    const error = { code: "room/not-member", reason: "This member is in no room." } as const;
    turn.push({ kind: "command-done", id, error });
  },
  view: (turn, { views }) => {
    turn.patch({ views });
    if (turn.state.phase.kind !== "in") return;
    sendViews(turn);
    compareExpected(turn);
  },
  observed: (turn, { published, received, pairs }) => observe(turn, published, received, pairs ?? []),
  "request-replay": (turn, { publication, why }) => {
    const { mirror } = turn;
    if (!mirror || turn.state.phase.kind !== "in" || !turn.state.linkOpen) return;
    turn.send({ type: "replay-request", publication, seen: mirror.seq, slots: mirror.slots.revision, why });
  },
  link: (turn, { open }) => {
    if (turn.state.linkOpen === open) return;
    turn.patch({ linkOpen: open });
    if (!open) return;
    rearmCommands(turn);
    sendReceipt(turn, false, true);
  },
  renewed: (turn, { keeps }) => {
    unsendCommands(turn);
    if (turn.state.phase.kind === "leaving") return retakeToLeave(turn);
    rejoin(turn, "the link is a new one", keeps);
  },
  offer: (turn, { offer }) => giveOffer(turn, offer),
  receives: (turn, { audio, video }) => {
    turn.patchMirror({ receives: { audio, video } });
    compareSlots(turn);
  },
  "session-ended": (turn, { session, reason }) => {
    const { phase } = turn.state;
    if (!("request" in phase) || phase.request.offer?.session !== session) return;
    if (phase.kind === "in") rejoin(turn, `the session ended: ${reason}`);
    // The join that carries its offer may have been granted by now: once the answer is there, a fresh one is asked for.
    if (phase.kind === "joining") turn.patch({ phase: { ...phase, request: { ...phase.request, offer: undefined } } });
  },
  leave: (turn) => leave(turn),
  tick: (turn) => tick(turn),
};

function step(
  config: MemberConfig,
  state: MemberState,
  input: MemberInput | Tick,
  now: MonoMs,
): Step<MemberState, MemberEffect> {
  const turn = new MemberTurn(config, state, now);
  HANDLERS[input.kind](turn, input as never);
  return turn.finish();
}

function deadline(config: MemberConfig, state: MemberState): MonoMs | undefined {
  const receipt = receiptDue(state);
  const commands = commandsDue(state, config);
  if (receipt === undefined || commands === undefined) return receipt ?? commands;
  return Math.min(receipt, commands);
}

function receive(turn: MemberTurn, message: ServerMessage): void {
  switch (message.type) {
    case "joined":
      return applyJoined(turn, message);
    case "room-event":
    case "room-state":
    case "slots":
    case "ledger":
      applyRoomMessage(turn, message);
      return confirmSoon(turn);
    case "repair":
      return repair(turn, message);
    case "ok":
      return answered(turn, message.id);
    case "error":
      return refused(turn, message);
    case "removed":
      return applyRemoved(turn, message);
    case "signal":
      return;
  }
}

function repair(turn: MemberTurn, message: Extract<ServerMessage, { type: "repair" }>): void {
  const { mirror } = turn;
  if (!mirror || turn.state.phase.kind !== "in") return;
  const { step: which, publication, subscription, why } = message;
  if (which === "new-session" && mirror.room.topology === "sfu") return rejoin(turn, why);
  turn.push({ kind: "repair", step: which, publication, subscription, why });
}

function answered(turn: MemberTurn, id: string): void {
  const done = takeCommand(turn, id);
  if (!done) return;
  commandDone(turn, id);
  if (done.message.type === "leave") return endPlace(turn, "link/closed", "left");
  if (done.message.type !== "media-state") return;
  takeNewerWord(turn);
}

function refused(turn: MemberTurn, error: Extract<ServerMessage, { type: "error" }>): void {
  const { id } = error;
  const { phase } = turn.state;
  if (id !== undefined && phase.kind === "joining" && phase.command === id) {
    if (error.code !== "protocol/rate-limited") joinRefused(turn, error);
    return;
  }
  const gone = error.code === "room/not-member" && phase.kind === "in";
  const pending = turn.state.commands.find((one) => one.id === id);
  // The server lost the place, e.g. its `removed` did not come through: what was asked waits for the new one.
  if (gone && (id === undefined || pending)) {
    unsendCommands(turn);
    return rejoin(turn, error.reason);
  }
  if (!pending || error.code === "protocol/rate-limited") return;
  takeCommand(turn, pending.id);
  if (pending.message.type === "leave") return endPlace(turn, "link/closed", "left");
  if (error.code === "room/stale-revision") {
    pursueWish(turn);
    return commandDone(turn, pending.id);
  }
  if (pending.message.type === "media-state") {
    // It is never to be in force, so nothing waits for it.
    turn.patch({ sentRevision: 0 });
    takeRoomsWord(turn);
  }
  commandDone(turn, pending.id, error);
}

function leave(turn: MemberTurn): void {
  const { phase } = turn.state;
  if (phase.kind === "in") {
    turn.patch({ phase: { kind: "leaving", request: phase.request, mirror: phase.mirror } });
    command(turn, { type: "leave", id: nextCommandId(turn.state) });
  } else if (phase.kind === "joining") {
    // The join may have been granted already, or be granted yet; the leave behind it gives the place back. An
    // interrupted link keeps it until it is resumed.
    sayLeave(turn);
    endPlace(turn, "link/closed", "left");
  }
}

function tick(turn: MemberTurn): void {
  const receipt = receiptDue(turn.state);
  if (receipt !== undefined && receipt <= turn.now) sendReceipt(turn, false);
  if (!turn.state.linkOpen) return;
  for (const one of turn.state.commands) {
    if (one.expiresAt !== undefined && one.expiresAt <= turn.now) expire(turn, one.id);
  }
  const again = turn.state.commands.map((one) =>
    (retryAt(one, turn.config) ?? Number.POSITIVE_INFINITY) <= turn.now ? { ...one, sentAt: undefined } : one,
  );
  turn.patch({ commands: again });
  flushCommands(turn);
}

function expire(turn: MemberTurn, id: string): void {
  const { phase } = turn.state;
  const error = { type: "error", id, code: "timeout", reason: "The server did not answer in time." } as const;
  if (phase.kind === "joining" && phase.command === id) {
    // A machine that slept finds its time over with the join still to go out.
    sayLeave(turn);
    return joinRefused(turn, error);
  }
  const expired = takeCommand(turn, id);
  if (expired?.message.type === "leave") return endPlace(turn, "link/closed", "left");
  // Nobody has refused it: a mute that was made on a machine about to sleep is not undone when it wakes.
  if (expired?.message.type === "media-state") pursueWish(turn);
  if (expired) commandDone(turn, id, error);
}
