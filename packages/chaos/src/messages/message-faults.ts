import { type Clock, LodelineError, type Timer } from "@lodeline/base";
import { clientMessage, serverMessage } from "@lodeline/protocol";
import type { RunningFault } from "../fault-desk.ts";
import { type Fault, has, numberOf, textOf } from "../language/fault.ts";
import { eventKindsOf, type Fate, MessageTrace, type PassingMessage } from "./message-trace.ts";

interface Rule {
  readonly fault: Fault;
  readonly fate: Exclude<Fate, "passed">;
  readonly holdMs: number;
  readonly over: () => void;
  /** How many that fit are let pass first. */
  skip: number;
  left: number;
  hits: number;
}

/** A message that waits. */
interface Held {
  readonly rule: Rule;
  readonly timer: Timer;
  readonly forward: () => void;
}

const TYPES = new Set(
  [...serverMessage.def.options, ...clientMessage.def.options].flatMap((option) => [
    ...option.def.shape.type.def.values,
  ]),
) as ReadonlySet<string>;

/** Loses, holds and doubles messages above the link, and keeps the trace of all that was said. Made for `HubPorts.intercept`. */
export class MessageFaults {
  readonly trace = new MessageTrace();
  readonly #clock: Clock;
  readonly #rules: Rule[] = [];
  readonly #held = new Set<Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Performs a `msg` fault: rules are asked in the order they came, and the first that fits decides.
   *
   * @throws LodelineError `config/invalid` for a message type that does not exist.
   */
  add(fault: Fault, over: () => void): RunningFault {
    const type = textOf(fault, "type");
    if (type !== undefined && !TYPES.has(type)) {
      throw new LodelineError("config/invalid", { field: "fault", detail: `There is no message "${type}".` });
    }
    const holdMs = numberOf(fault, "hold");
    const rule: Rule = {
      fault,
      fate: has(fault, "lose") ? "lost" : holdMs === undefined ? "doubled" : "held",
      holdMs: holdMs ?? 0,
      over,
      skip: Math.max(0, (numberOf(fault, "nth") ?? 1) - 1),
      left: numberOf(fault, "count") ?? 1,
      hits: 0,
    };
    this.#rules.push(rule);
    return { stop: () => this.#remove(rule), counters: () => ({ hits: rule.hits, held: this.#heldBy(rule).length }) };
  }

  /** As `HubPorts.intercept`. */
  intercept(passing: PassingMessage, forward: () => void): void {
    const rule = this.#ruleFor(passing);
    this.trace.note(passing, rule?.fate ?? "passed", this.#clock.now());
    if (!rule) return forward();
    rule.hits++;
    rule.left--;
    if (rule.fate === "held") this.#hold(rule, forward);
    if (rule.fate === "doubled") {
      forward();
      forward();
    }
    this.#settle(rule);
  }

  #ruleFor(passing: PassingMessage): Rule | undefined {
    for (const rule of this.#rules) {
      if (rule.left <= 0 || !fits(rule.fault, passing)) continue;
      if (rule.skip > 0) rule.skip--;
      else return rule;
    }
    return undefined;
  }

  #hold(rule: Rule, forward: () => void): void {
    const held: Held = {
      rule,
      forward,
      timer: this.#clock.at(this.#clock.now() + rule.holdMs, () => {
        this.#held.delete(held);
        forward();
        this.#settle(rule);
      }),
    };
    this.#held.add(held);
  }

  /** A rule is over when it has nothing left to do and nothing to give back. */
  #settle(rule: Rule): void {
    if (rule.left <= 0 && this.#rules.includes(rule) && this.#heldBy(rule).length === 0) rule.over();
  }

  #remove(rule: Rule): void {
    const at = this.#rules.indexOf(rule);
    if (at >= 0) this.#rules.splice(at, 1);
    for (const held of this.#heldBy(rule)) {
      this.#held.delete(held);
      held.timer.cancel();
      held.forward();
    }
  }

  #heldBy(rule: Rule): readonly Held[] {
    return [...this.#held].filter((held) => held.rule === rule);
  }
}

function fits(fault: Fault, { who, direction, index, message }: PassingMessage): boolean {
  const to = textOf(fault, "to");
  if (to !== undefined && direction !== `to-${to}`) return false;
  const name = textOf(fault, "who");
  if (name !== undefined && name !== who.identity && name !== who.participant && name !== who.link) return false;
  const type = textOf(fault, "type");
  if (type !== undefined && type !== message.type) return false;
  const wanted = numberOf(fault, "index");
  if (wanted !== undefined && wanted !== index) return false;
  const event = textOf(fault, "event");
  return event === undefined || eventKindsOf(message).includes(event);
}
