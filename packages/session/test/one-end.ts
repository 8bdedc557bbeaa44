import assert from "node:assert/strict";
import { LodelineError, type Machine } from "@lodeline/base";
import { DEFAULT_TIMERS, type EndReason, type Signal, type SignalBody } from "@lodeline/protocol";
import {
  createPeerSession,
  type PlanStep,
  type SessionEffect,
  type SessionEvent,
  type SessionInput,
  type SessionOptions,
  type SessionState,
  type StepValue,
} from "@lodeline/session";

type Kind<K extends SessionEffect["kind"]> = Extract<SessionEffect, { kind: K }>;
type EventOf<K extends SessionEvent["kind"]> = Extract<SessionEvent, { kind: K }>;

/** One machine, fed by hand: virtual time, every effect kept, steps performed only as far as the test says. */
export class OneEnd {
  readonly machine: Machine<SessionState, SessionInput, SessionEffect>;
  readonly timers = DEFAULT_TIMERS;
  readonly effects: SessionEffect[] = [];
  state: SessionState;
  now = 1000;
  #theirSeq = 0;

  constructor(options: Partial<SessionOptions> = {}) {
    this.machine = createPeerSession({
      localId: "ann",
      remoteId: "bob",
      use: "call",
      timers: DEFAULT_TIMERS,
      dataChannel: true,
      ...options,
    });
    this.state = this.machine.initial;
  }

  /** Feeds one input and returns what the machine wants done about it. */
  feed(input: SessionInput | { readonly kind: "tick" }): readonly SessionEffect[] {
    const { state, effects } = this.machine.step(this.state, input, this.now);
    this.state = state;
    this.effects.push(...effects);
    return effects;
  }

  /** Lets time pass, with a tick at every deadline on the way and none besides. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (let i = 0; ; i++) {
      assert.ok(i < 1000, "ticks without end");
      const due = this.machine.deadline(this.state);
      if (due === undefined || due > until) break;
      this.now = Math.max(this.now, due);
      this.feed({ kind: "tick" });
    }
    this.now = until;
  }

  /** A signal of the remote, numbered on unless a number is given. */
  hear(session: string, epoch: number, body: SignalBody, seq = ++this.#theirSeq): readonly SessionEffect[] {
    return this.feed({ kind: "signal", signal: { session, epoch, seq, body } });
  }

  done(session: string, step: PlanStep, plan: "start" | "stop" | "undo" = "start", value?: StepValue) {
    return this.feed({ kind: "step-done", session, plan, step, value });
  }

  fail(session: string, step: PlanStep, plan: "start" | "stop" | "undo" = "start", fatal = true) {
    const error = new LodelineError(fatal ? "session/plan-failed" : "device/denied");
    return this.feed({ kind: "step-failed", session, plan, step, error, fatal });
  }

  call(session: string) {
    return this.feed({ kind: "call", session, audio: true, video: true, name: "Ann" });
  }

  /** Performs every run or undo step as it comes, until the machine waits for something else. */
  performAll(session: string, value?: (step: PlanStep) => StepValue): void {
    for (let i = 0; i < this.effects.length; i++) {
      const effect = this.effects[i];
      if (effect?.kind === "run" && effect.session === session && !this.#performed.has(effect)) {
        this.#performed.add(effect);
        this.done(session, effect.step, effect.plan, value?.(effect.step));
      } else if (effect?.kind === "undo" && effect.session === session && !this.#performed.has(effect)) {
        this.#performed.add(effect);
        this.done(session, effect.step, "undo", value?.(effect.step));
      }
    }
  }
  readonly #performed = new Set<SessionEffect>();

  of<K extends SessionEffect["kind"]>(kind: K): readonly Kind<K>[] {
    return this.effects.filter((effect): effect is Kind<K> => effect.kind === kind);
  }

  events<K extends SessionEvent["kind"]>(kind: K): readonly EventOf<K>[] {
    return this.of("emit")
      .map((effect) => effect.event)
      .filter((event): event is EventOf<K> => event.kind === kind);
  }

  sent<K extends SignalBody["kind"]>(kind: K): readonly (Signal & { body: Extract<SignalBody, { kind: K }> })[] {
    return this.of("send")
      .map((effect) => effect.signal)
      .filter((signal): signal is Signal & { body: Extract<SignalBody, { kind: K }> } => signal.body.kind === kind);
  }

  get kind(): SessionState["kind"] {
    return this.state.kind;
  }

  /** The names of the states passed, from the events. */
  get path(): readonly string[] {
    return this.events("stateChanged").map((event) => event.state);
  }

  /** The last end told. */
  get ended(): EventOf<"ended"> {
    const ended = this.events("ended").at(-1);
    assert.ok(ended, "no end was told");
    return ended;
  }
}

/** A description with a user name fragment, as an SDP has it. */
export function sdp(ufrag: string): string {
  return `v=0\r\na=ice-ufrag:${ufrag}\r\n`;
}

export function offer(ufrag: string) {
  return { sdp: sdp(ufrag), sends: [], receives: [] };
}

export function candidate(text: string, usernameFragment: string | null = null) {
  return { candidate: text, sdpMid: "0", sdpMLineIndex: 0, usernameFragment };
}

/** An offerer that is Active: a call out, accepted, settled at epoch 1, connected, tracks enabled. */
export function activeOfferer(options: Partial<SessionOptions> = {}): OneEnd {
  const end = new OneEnd(options);
  end.call("s1");
  end.hear("s1", 0, { kind: "accept" });
  end.performAll("s1");
  end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
  end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
  end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
  end.feed({ kind: "transport", session: "s1", connection: "connected" });
  end.performAll("s1");
  return end;
}

/** An answerer that is Active: called, accepted, settled at epoch 1, connected, tracks enabled. */
export function activeAnswerer(options: Partial<SessionOptions> = {}): OneEnd {
  const end = new OneEnd(options);
  end.hear("s1", 0, { kind: "call:init", name: "Bob", audio: true, video: true });
  end.feed({ kind: "accept" });
  end.performAll("s1");
  end.hear("s1", 1, { kind: "offer", offer: offer("R1") });
  end.feed({ kind: "answer-created", session: "s1", epoch: 1, sdp: sdp("L1") });
  end.feed({ kind: "transport", session: "s1", connection: "connected" });
  end.performAll("s1");
  return end;
}

export function reasonOf(end: OneEnd): EndReason {
  return end.ended.reason;
}
