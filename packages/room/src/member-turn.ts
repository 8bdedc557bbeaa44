import type { MonoMs, Step } from "@lodeline/base";
import { type ClientMessage, SOURCES, type Sources } from "@lodeline/protocol";
import type { Changed, Intents, MemberEffect, MemberOptions, MemberState, Mirror } from "./member-types.ts";

/** What a member is made with, settled. */
export interface MemberConfig {
  readonly timers: MemberOptions["timers"];
  readonly commandRetryMs: number;
}

/** One step of a member under way: a shallow copy of its state, and the effects so far. Lives as long as the step. */
export class MemberTurn {
  readonly config: MemberConfig;
  readonly now: MonoMs;
  readonly effects: MemberEffect[] = [];
  readonly #before: MemberState;
  readonly #changed = new Set<Changed>();
  #state: MemberState;

  constructor(config: MemberConfig, state: MemberState, now: MonoMs) {
    this.config = config;
    this.now = now;
    this.#before = state;
    this.#state = state;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** The room as known, while it holds a place. */
  get mirror(): Mirror | undefined {
    const { phase } = this.#state;
    return phase.kind === "in" || phase.kind === "leaving" ? phase.mirror : undefined;
  }

  patch(change: Partial<MemberState>): void {
    this.#state = { ...this.#state, ...change };
  }

  patchMirror(change: Partial<Mirror>): void {
    const { phase } = this.#state;
    if (phase.kind !== "in" && phase.kind !== "leaving") return;
    this.patch({ phase: { ...phase, mirror: { ...phase.mirror, ...change } } });
  }

  push(effect: MemberEffect): void {
    this.effects.push(effect);
  }

  send(message: ClientMessage): void {
    this.effects.push({ kind: "send", message });
  }

  changed(what: Changed): void {
    this.#changed.add(what);
  }

  finish(): Step<MemberState, MemberEffect> {
    if (this.#state.phase.kind !== this.#before.phase.kind) this.#changed.add("phase");
    if (this.#changed.size > 0) this.push({ kind: "changed", what: [...this.#changed] });
    return { state: this.#state, effects: this.effects };
  }
}

/** Intents, and whether what is sent is encrypted, as the wire's sources. Who muted is the room's to say. */
export function sourcesOf({ intents, encryption }: Pick<MemberState, "intents" | "encryption">): Sources {
  const own = encryption && { encryption };
  const state = (source: (typeof SOURCES)[number]) => ({ intent: intents[source], mutedBy: null, ...own });
  return {
    microphone: state("microphone"),
    camera: state("camera"),
    screen: state("screen"),
    "screen-audio": state("screen-audio"),
  };
}

/** What sources say is wanted. */
export function intentsOf(sources: Sources): Intents {
  return {
    microphone: sources.microphone.intent,
    camera: sources.camera.intent,
    screen: sources.screen.intent,
    "screen-audio": sources["screen-audio"].intent,
  };
}

/** Whether two wishes are the same. */
export function sameIntents(one: Intents, other: Intents): boolean {
  return SOURCES.every((source) => one[source] === other[source]);
}
