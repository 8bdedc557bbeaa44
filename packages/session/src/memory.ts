import { LodelineError, type MonoMs } from "@lodeline/base";
import type { EndReason, Signal } from "@lodeline/protocol";
import type { SessionMemory } from "./session-state.ts";
import { answerLoose, refusalOf, refuse, type Turn } from "./turn.ts";

/** A machine that has seen nothing. */
export const NO_MEMORY: SessionMemory = { past: [], held: [], next: undefined };

/** How many sessions are remembered. With one remote at a time, the late words of more than a few cannot be under way. */
const PAST_LIMIT = 16;

/** How many signals of sessions to come are held. */
const HELD_LIMIT = 256;

/** Notes that a session is over; what was held of it is dropped. */
export function remember(memory: SessionMemory, session: string, reason: EndReason): SessionMemory {
  if (pastReason(memory, session) !== undefined) return memory;
  const past = [...memory.past.slice(1 - PAST_LIMIT), { session, reason }];
  return { ...memory, past, held: withoutSession(memory.held, session) };
}

/** Why a session that is over ended; `undefined` for one that is not known to be over. */
export function pastReason(memory: SessionMemory, session: string): EndReason | undefined {
  return memory.past.find((entry) => entry.session === session)?.reason;
}

/** Keeps a signal of a session that has not begun here. Only the newest description is kept, and the newest signals. */
export function hold(turn: Turn, memory: SessionMemory, signal: Signal): SessionMemory {
  const kept = isDescription(signal) ? memory.held.filter((entry) => !isDescription(entry.signal)) : memory.held;
  const dropped = kept.length >= HELD_LIMIT ? kept[0] : undefined;
  if (dropped) refuse(turn, dropped.signal.session, dropped.signal.epoch, "session/unknown");
  return { ...memory, held: [...(dropped ? kept.slice(1) : kept), { signal, atMs: turn.now }] };
}

/** Takes out what was held of a session that begins. */
export function release(
  memory: SessionMemory,
  session: string,
): { readonly memory: SessionMemory; readonly signals: readonly Signal[] } {
  if (memory.held.length === 0) return { memory, signals: [] };
  const signals = memory.held.filter((entry) => entry.signal.session === session).map((entry) => entry.signal);
  return { memory: { ...memory, held: withoutSession(memory.held, session) }, signals };
}

/** When the oldest held signal is given up; `undefined` when nothing is held. */
export function heldDeadline(turn: Pick<Turn, "options">, memory: SessionMemory): MonoMs | undefined {
  const oldest = memory.held[0];
  return oldest && oldest.atMs + turn.options.timers.negotiatingMs;
}

/** Gives up the sessions of which something was held too long: they never began here, and their sender is told so. */
export function expireHeld(turn: Turn, memory: SessionMemory): SessionMemory {
  const due = heldDeadline(turn, memory);
  if (due === undefined || due > turn.now) return memory;
  const limitMs = turn.now - turn.options.timers.negotiatingMs;
  const given = new Map<string, number>();
  for (const { signal, atMs } of memory.held) if (atMs <= limitMs) given.set(signal.session, signal.epoch);
  for (const [session, epoch] of given) {
    const error = new LodelineError("session/unknown");
    refuse(turn, session, epoch, error.code);
    answerLoose(turn, session, epoch, refusalOf(error));
  }
  return { ...memory, held: memory.held.filter((entry) => !given.has(entry.signal.session)) };
}

function withoutSession(held: SessionMemory["held"], session: string): SessionMemory["held"] {
  return held.some((entry) => entry.signal.session === session)
    ? held.filter((entry) => entry.signal.session !== session)
    : held;
}

function isDescription(signal: Signal): boolean {
  return signal.body.kind === "offer" || signal.body.kind === "answer";
}
