import type { Clock, MonoMs, Timer } from "./clock.ts";

/** The input every machine understands: time has reached its deadline. */
export interface Tick {
  readonly kind: "tick";
}

/** What a step gives: the next state, and what the world must do about it, in order. */
export interface Step<S, E> {
  readonly state: S;
  readonly effects: readonly E[];
}

/**
 * Something that decides. Pure: it reads no clock, draws no chance, and starts no timer; it is told `now` and says
 * when it wants to be told again.
 */
export interface Machine<S, I, E> {
  readonly initial: S;
  /** The next state and its effects. Never throws for an input that a peer or a person could cause. */
  step(state: S, input: I | Tick, now: MonoMs): Step<S, E>;
  /** When `tick` must next be fed, or `undefined` when nothing is pending. */
  deadline(state: S): MonoMs | undefined;
}

/** A machine in motion. Dispose of it to disarm its timer; afterwards inputs do nothing. */
export interface Running<S, I> extends Disposable {
  /** The present state. */
  readonly state: S;
  /** Feeds one input. Inputs fed while effects are performed queue behind them, so steps never nest. */
  feed(input: I): void;
}

/** What {@link drive} needs of its surroundings. */
export interface DriveOptions<S, I, E> {
  readonly clock: Clock;
  /** Performs one effect. Runs after the new state is stored. May feed inputs back, now or later. */
  perform(effect: E, feed: (input: I) => void): void;
  /** Told of every step, for the trace. `input` is `{ kind: "tick" }` when time caused it. */
  readonly observe?: ((previous: S, input: I | Tick, next: S) => void) | undefined;
}

/**
 * Runs a machine: step, re-arm the one timer, perform the effects, repeat. The same driver serves the browser, Node and
 * the simulation; only the clock and `perform` differ.
 *
 * @returns The running machine, owned by the caller.
 */
export function drive<S, I, E>(machine: Machine<S, I, E>, options: DriveOptions<S, I, E>): Running<S, I> {
  const { clock, perform, observe } = options;
  const queue: (I | Tick)[] = [];
  let state = machine.initial;
  let timer: Timer | undefined;
  let armedFor: MonoMs | undefined;
  let busy = false;
  let disposed = false;

  const feed = (input: I | Tick): void => {
    if (disposed) return;
    queue.push(input);
    if (busy) return;
    busy = true;
    try {
      drain();
    } finally {
      busy = false;
    }
  };
  const drain = () => {
    for (let input = queue.shift(); input !== undefined && !disposed; input = queue.shift()) {
      const previous = state;
      const { state: next, effects } = machine.step(previous, input, clock.now());
      state = next;
      rearm();
      observe?.(previous, input, next);
      for (const effect of effects) perform(effect, feed);
    }
  };
  const rearm = () => {
    const due = machine.deadline(state);
    if (due === armedFor) return;
    timer?.cancel();
    armedFor = due;
    timer = due === undefined ? undefined : clock.at(due, wake);
  };
  const wake = () => {
    armedFor = undefined;
    timer = undefined;
    feed({ kind: "tick" });
  };

  rearm();
  return {
    get state() {
      return state;
    },
    feed,
    [Symbol.dispose]: () => {
      disposed = true;
      timer?.cancel();
      queue.length = 0;
    },
  };
}
