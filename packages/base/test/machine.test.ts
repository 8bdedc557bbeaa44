import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, drive, type Machine, type Timer } from "@lodeline/base";

type Input =
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "wait"; readonly ms: number | undefined };
interface State {
  readonly said: readonly string[];
  readonly due: number | undefined;
}

/** Says twice what it hears, and `tick` when a wait is over. */
const echo: Machine<State, Input, string> = {
  initial: { said: [], due: undefined },
  step(state, input, now) {
    if (input.kind === "wait") return { state: { ...state, due: input.ms && now + input.ms }, effects: [] };
    const text = input.kind === "tick" ? `tick ${now}` : input.text;
    const due = input.kind === "tick" ? undefined : state.due;
    return { state: { said: [...state.said, text], due }, effects: [`${text}!`, `${text}?`] };
  },
  deadline: (state) => state.due,
};

class HandClock implements Clock {
  time = 0;
  timers: { at: number; fn: () => void }[] = [];
  now() {
    return this.time;
  }
  wall() {
    return this.time;
  }
  at(at: number, fn: () => void): Timer {
    const entry = { at, fn };
    this.timers.push(entry);
    const cancel = () => {
      this.timers = this.timers.filter((other) => other !== entry);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }
  advance(ms: number) {
    this.time += ms;
    for (const entry of this.timers.filter(({ at }) => at <= this.time)) {
      this.timers = this.timers.filter((other) => other !== entry);
      entry.fn();
    }
  }
}

describe("drive", () => {
  it("[BASE13] stores before it performs, and queues what is fed meanwhile", () => {
    const performed: string[] = [];
    const running = drive(echo, {
      clock: new HandClock(),
      perform: (effect, feed) => {
        performed.push(`${effect} of ${running.state.said.length}`);
        if (effect === "a!") feed({ kind: "say", text: "b" });
      },
    });
    running.feed({ kind: "say", text: "a" });
    assert.deepEqual(performed, ["a! of 1", "a? of 1", "b! of 2", "b? of 2"]);
  });

  it("[BASE13] tells the observer every step, with what caused it", () => {
    const steps: string[] = [];
    const clock = new HandClock();
    const running = drive(echo, {
      clock,
      perform: () => {},
      observe: (previous, input, next) => steps.push(`${previous.said.length}>${next.said.length} ${input.kind}`),
    });
    running.feed({ kind: "wait", ms: 5 });
    running.feed({ kind: "say", text: "a" });
    clock.advance(5);
    assert.deepEqual(steps, ["0>0 wait", "0>1 say", "1>2 tick"]);
  });

  it("[BASE14] keeps one timer, for the present deadline", () => {
    const clock = new HandClock();
    const running = drive(echo, { clock, perform: () => {} });
    assert.equal(clock.timers.length, 0);
    running.feed({ kind: "wait", ms: 100 });
    running.feed({ kind: "say", text: "a" });
    assert.deepEqual(
      clock.timers.map(({ at }) => at),
      [100],
    );
    running.feed({ kind: "wait", ms: 40 });
    assert.deepEqual(
      clock.timers.map(({ at }) => at),
      [40],
    );
    clock.advance(39);
    assert.deepEqual(running.state.said, ["a"]);
    clock.advance(1);
    assert.deepEqual(running.state.said, ["a", "tick 40"]);
    assert.equal(clock.timers.length, 0);
    running.feed({ kind: "wait", ms: 10 });
    running.feed({ kind: "wait", ms: undefined });
    assert.equal(clock.timers.length, 0);
  });

  it("[BASE14] arms for the initial state, and again for the same time after a tick", () => {
    const clock = new HandClock();
    const ticks: number[] = [];
    const stubborn: Machine<number, never, never> = {
      initial: 0,
      step: (state, _input, now) => {
        ticks.push(now);
        return { state: state + 1, effects: [] };
      },
      deadline: (state) => (state < 2 ? 10 : undefined),
    };
    drive(stubborn, { clock, perform: () => {} });
    clock.advance(10);
    clock.advance(0);
    assert.deepEqual(ticks, [10, 10]);
    assert.equal(clock.timers.length, 0);
  });

  it("[BASE15] is deaf after disposal, also when disposed of by one of its own effects", () => {
    const clock = new HandClock();
    const performed: string[] = [];
    const running = drive(echo, {
      clock,
      perform: (effect, feed) => {
        performed.push(effect);
        if (effect !== "a!") return;
        feed({ kind: "say", text: "b" });
        running[Symbol.dispose]();
      },
    });
    running.feed({ kind: "wait", ms: 10 });
    running.feed({ kind: "say", text: "a" });
    running.feed({ kind: "say", text: "c" });
    clock.advance(20);
    assert.deepEqual(running.state.said, ["a"]);
    assert.equal(clock.timers.length, 0);
    assert.deepEqual(performed, ["a!", "a?"]);
  });

  it("[BASE16] goes on after an effect that throws", () => {
    const running = drive(echo, {
      clock: new HandClock(),
      perform: (effect) => {
        if (effect === "a!") throw new Error("mine");
      },
    });
    assert.throws(() => running.feed({ kind: "say", text: "a" }), /mine/);
    running.feed({ kind: "say", text: "b" });
    assert.deepEqual(running.state.said, ["a", "b"]);
  });
});
