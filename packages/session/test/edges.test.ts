import assert from "node:assert/strict";
import { it } from "node:test";
import { integer, LodelineError, type Random, seededRandom, unit } from "@lodeline/base";
import { DEFAULT_TIMERS, type SignalBody } from "@lodeline/protocol";
import {
  createPeerSession,
  edgesToMermaid,
  isLegal,
  labelOf,
  type PlanStep,
  SESSION_EDGES,
  type SessionEffect,
  type SessionInput,
  type SessionOptions,
  START_STEPS,
  STOP_STEPS,
} from "@lodeline/session";
import { candidate, offer, sdp } from "./one-end.ts";

const STEPS: readonly PlanStep[] = [...START_STEPS, ...STOP_STEPS, "wait-offer", "apply-offer", "send-answer"];
const CONNECTIONS = ["new", "connecting", "connected", "disconnected", "failed", "closed"] as const;

const error = new LodelineError("sdp/unusable", { field: "sdp:7" });

function pick<T>(random: Random, from: readonly T[]): T {
  return from[integer(random, from.length)] as T;
}

/** A session id: mostly the present one, so that the runs get somewhere. */
function anySession(random: Random, present: string | undefined): string {
  return present !== undefined && unit(random) < 0.8 ? present : `s${integer(random, 6)}`;
}

function anyBody(random: Random): SignalBody {
  return pick<() => SignalBody>(random, [
    () => ({ kind: "call:init", name: "Bob", audio: true, video: false }),
    () => ({ kind: "accept" }),
    () => ({ kind: "reject", reason: "declined" }),
    () => ({ kind: "hangup", reason: "hangup" }),
    () => ({ kind: "offer", offer: offer(`R${integer(random, 3)}`) }),
    () => ({ kind: "answer", sdp: sdp(`R${integer(random, 3)}`) }),
    () => ({ kind: "candidate", candidate: candidate("candidate:1") }),
    () => ({ kind: "negotiation-needed", why: "x", iceRestart: unit(random) < 0.5 }),
    () => ({
      kind: "refused",
      code: pick(random, ["session/unknown", "sdp/unusable", "candidate/refused", "?"]),
      detail: "",
    }),
  ])();
}

/** Any input at all: valid by its type, not by the moment. */
function anyInput(random: Random, present: string | undefined, use: SessionOptions["use"]): SessionInput {
  const session = anySession(random, present);
  const epoch = integer(random, 4);
  const plan = pick(random, ["start", "stop", "undo"] as const);
  return pick<() => SessionInput>(random, [
    () =>
      use === "call"
        ? { kind: "call", session: `s${integer(random, 400)}`, audio: true, video: true, name: "Ann" }
        : { kind: "assign", session: `s${integer(random, 400)}`, role: pick(random, ["offerer", "answerer"] as const) },
    () => ({ kind: "accept" }),
    () => ({ kind: "reject", reason: "declined" }),
    () => ({ kind: "end", reason: pick(random, ["hangup", "page-closed"] as const) }),
    () => ({ kind: "step-done", session, plan, step: pick(random, STEPS) }),
    () => ({ kind: "step-failed", session, plan, step: pick(random, STEPS), error, fatal: unit(random) < 0.5 }),
    () => ({ kind: "offer-created", session, epoch, offer: offer("L") }),
    () => ({ kind: "answer-created", session, epoch, sdp: sdp("L") }),
    () => ({ kind: "answer-applied", session, epoch }),
    () => ({ kind: "description-failed", session, epoch, error }),
    () => ({ kind: "local-candidate", session, epoch, candidate: candidate("candidate:2") }),
    () => ({ kind: "candidate-failed", session, epoch, error }),
    () => ({ kind: "transport", session, connection: pick(random, CONNECTIONS) }),
    () => ({ kind: "data", session, open: unit(random) < 0.5 }),
    () => ({ kind: "renegotiate", why: "x", iceRestart: unit(random) < 0.5 }),
    () => anySignal(random, session, epoch),
    () => anySignal(random, session, epoch),
    () => anySignal(random, `n${integer(random, 400)}`, epoch),
  ])();
}

function anySignal(random: Random, session: string, epoch: number): SessionInput {
  return { kind: "signal", signal: { session, epoch, seq: integer(random, 400), body: anyBody(random) } };
}

/** What the world would answer to an effect, so that random runs also come through whole sessions. */
function answerTo(effect: SessionEffect, random: Random, failing: number): SessionInput | undefined {
  switch (effect.kind) {
    case "run":
      if (unit(random) < failing / 8) {
        return { ...effect, kind: "step-failed", error, fatal: unit(random) < 0.8 };
      }
      return { kind: "step-done", session: effect.session, plan: effect.plan, step: effect.step };
    case "undo":
      return { kind: "step-done", session: effect.session, plan: "undo", step: effect.step };
    case "create-offer":
      if (effect.epoch > 1 && unit(random) < failing) {
        return { kind: "description-failed", session: effect.session, epoch: effect.epoch, error };
      }
      return { kind: "offer-created", session: effect.session, epoch: effect.epoch, offer: offer("L") };
    case "apply-offer":
      return { kind: "answer-created", session: effect.session, epoch: effect.epoch, sdp: sdp("L") };
    case "apply-answer":
      return { kind: "answer-applied", session: effect.session, epoch: effect.epoch };
    case "send": {
      const { session, epoch, body } = effect.signal;
      if (body.kind === "call:init") return anyAnswer(session, 0, { kind: "accept" }, random);
      if (body.kind === "accept") return anyAnswer(session, 1, { kind: "offer", offer: offer("R") }, random);
      return body.kind === "offer" ? anyAnswer(session, epoch, { kind: "answer", sdp: sdp("R") }, random) : undefined;
    }
    default:
      return undefined;
  }
}

function anyAnswer(session: string, epoch: number, body: SignalBody, random: Random): SessionInput {
  return { kind: "signal", signal: { session, epoch, seq: 1000 + integer(random, 1000), body } };
}

function randomRun(seed: number, taken: Set<string>): void {
  const random = seededRandom(seed);
  const use = pick(random, ["call", "call", "pair"] as const);
  const options: SessionOptions = {
    localId: unit(random) < 0.5 ? "ann" : "zoe",
    remoteId: "bob",
    use,
    timers: DEFAULT_TIMERS,
    dataChannel: unit(random) < 0.5,
    captures: unit(random) < 0.5,
  };
  const machine = createPeerSession(options);
  const answers: SessionInput[] = [];
  let state = machine.initial;
  let now = 0;
  let ticksAtOnce = 0;
  const chaos = unit(random) * 0.5;
  const failing = unit(random);
  for (let i = 0; i < 200; i++) {
    const present = state.kind === "Idle" ? undefined : state.session;
    const due = machine.deadline(state);
    let input: SessionInput | { readonly kind: "tick" };
    if (due !== undefined && due <= now) {
      input = { kind: "tick" };
      ticksAtOnce += 1;
      assert.ok(ticksAtOnce < 10, `seed ${seed}: ticks without end in ${state.kind}`);
    } else if (unit(random) < chaos || answers.length === 0) {
      ticksAtOnce = 0;
      if (due !== undefined && answers.length === 0 && unit(random) < 0.3) now = due;
      input = anyInput(random, present, use);
    } else {
      input = answers.splice(integer(random, answers.length), 1)[0] as SessionInput;
    }
    const result = machine.step(state, input, now);
    const label = labelOf(input);
    const edge = `${state.kind} -${label}-> ${result.state.kind}`;
    assert.ok(isLegal(state.kind, label, result.state.kind), `seed ${seed}: ${edge}`);
    if (state.kind !== result.state.kind) taken.add(edge);
    for (const effect of result.effects) {
      const answer = answerTo(effect, random, failing);
      if (answer) answers.push(answer);
      if (effect.kind === "run" && effect.step === "open-channel" && unit(random) < 0.8) {
        answers.push({ kind: "transport", session: effect.session, connection: "connected" });
      }
    }
    state = result.state;
    if (unit(random) < 0.3) now += integer(random, unit(random) < 0.2 ? 20_000 : 300);
  }
}

const taken = new Set<string>();

it("[SES1] 4,000 runs of 200 random inputs take no edge that is not in the table, and never throw", () => {
  for (let seed = 1; seed <= 4000; seed++) randomRun(seed, taken);
});

it("[SES2] every edge of the table is taken in those runs", () => {
  const claimed = Object.entries(SESSION_EDGES).flatMap(([from, byInput]) =>
    Object.entries(byInput).flatMap(([label, targets]) => targets.map((to) => `${from} -${label}-> ${to}`)),
  );
  assert.deepEqual(
    claimed.filter((edge) => !taken.has(edge)),
    [],
  );
});

it("[SES3] the diagram has one arrow for each pair of states of the table", () => {
  const diagram = edgesToMermaid(SESSION_EDGES);
  assert.ok(diagram.startsWith("stateDiagram-v2\n  [*] --> Idle\n"));
  const arrows = diagram.split("\n").slice(2, -1);
  const pairs = new Set(
    Object.entries(SESSION_EDGES).flatMap(([from, byInput]) =>
      Object.values(byInput).flatMap((targets) => targets.map((to) => `  ${from} --> ${to}`)),
    ),
  );
  assert.deepEqual(new Set(arrows.map((arrow) => arrow.split(":")[0])), pairs);
  assert.equal(arrows.length, pairs.size);
  assert.ok(arrows.includes("  Ended --> Idle: tick"));
});
