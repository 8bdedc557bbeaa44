import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import type { SessionEffect, SessionInput } from "@lodeline/session";
import { TransportSession } from "../src/media/transport-session.ts";
import { FakeEngine } from "./support/fake-engine.ts";

const session = "s_1";
const run = (plan: "start" | "stop", step: Extract<SessionEffect, { kind: "run" }>["step"]): SessionEffect => ({
  kind: "run",
  session,
  plan,
  step,
});
const offer = (sdp: string): SessionEffect => ({
  kind: "apply-offer",
  session,
  epoch: 1,
  offer: { sdp, sends: [], receives: [] },
});
const candidate = (line: string): SessionEffect => ({
  kind: "add-candidate",
  session,
  epoch: 1,
  candidate: { candidate: line, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null },
});
const turns = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

function made() {
  const engine = new FakeEngine();
  const inputs: SessionInput[] = [];
  const said: string[] = [];
  const one = new TransportSession({
    id: session,
    room: "den",
    engine,
    feed: (input) => inputs.push(input),
    answered: () => void said.push("answered"),
    ending: () => void said.push("ending"),
  });
  engine.on("event", (event) => {
    if (event.kind === "transport-state" || event.kind === "channel") one.heard(event);
  });
  const heard = () => inputs.splice(0);
  return { engine, one, heard, said };
}

describe("a session on a transport", () => {
  it("[MED1] makes the transport, answers, and says what it becomes", async () => {
    const { engine, one, heard, said } = made();
    one.perform(run("start", "create-connection"));
    await turns();
    const owned = [{ kind: "connection", id: session, state: "new" }];
    assert.deepEqual(heard(), [
      { kind: "step-done", session, plan: "start", step: "create-connection", value: { owned } },
    ]);
    one.perform(offer("hello"));
    await turns();
    assert.deepEqual(heard(), [{ kind: "answer-created", session, epoch: 1, sdp: "answer 1 to hello" }]);
    assert.deepEqual(said, ["answered"]);
    engine.become(session, "connected");
    assert.deepEqual(heard(), [{ kind: "transport", session, connection: "connected" }]);
  });

  it("[MED1] passes candidates on, an empty one as their end", async () => {
    const { engine, one, heard } = made();
    one.perform(run("start", "create-connection"));
    await turns();
    one.perform(candidate("candidate:1"));
    one.perform(candidate(""));
    await turns();
    assert.deepEqual(engine.heard(), ['candidate {"candidate":"candidate:1","sdpMid":"0"}', "candidate null"]);
    assert.equal(heard().length, 1);
  });

  it("[MED1] knows data as open until the last channel closes", async () => {
    const { engine, one, heard } = made();
    one.perform(run("start", "create-connection"));
    await turns();
    engine.channel(session, 1, true);
    engine.channel(session, 2, true);
    heard();
    engine.channel(session, 1, false);
    assert.deepEqual(heard(), []);
    engine.channel(session, 2, false);
    assert.deepEqual(heard(), [{ kind: "data", session, open: false }]);
  });

  it("[MED1] goes down by the stop plan and proves it", async () => {
    const { one, heard, said } = made();
    one.perform(run("start", "create-connection"));
    await turns();
    heard();
    one.perform(run("stop", "disable-tracks"));
    assert.deepEqual([said, heard().length], [["ending"], 1]);
    one.perform(run("stop", "close-connection"));
    await turns();
    const owned = [{ kind: "connection", id: session, state: "closed" }];
    assert.deepEqual(heard(), [
      { kind: "transport", session, connection: "closed" },
      { kind: "step-done", session, plan: "stop", step: "close-connection", value: { owned } },
    ]);
  });

  it("[MED1] takes a step back", async () => {
    const { engine, one, heard } = made();
    one.perform(run("start", "create-connection"));
    await turns();
    one.perform({ kind: "undo", session, step: "add-tracks" });
    one.perform({ kind: "undo", session, step: "create-connection" });
    await turns();
    assert.deepEqual(engine.heard(), ["close transport s_1"]);
    assert.deepEqual(
      heard().flatMap((input) => (input.kind === "step-done" ? [`${input.plan} ${input.step}`] : [])),
      ["start create-connection", "undo add-tracks", "undo create-connection"],
    );
  });

  it("[MED2] fails for good when no transport can be made", async () => {
    const { engine, one, heard } = made();
    engine.full = true;
    one.perform(run("start", "create-connection"));
    await turns();
    assert.equal(one.isOpen, false);
    const [input] = heard();
    assert.ok(input?.kind === "step-failed");
    assert.deepEqual([input.error.code, input.fatal, input.step], ["media/bind-failed", true, "create-connection"]);
  });

  it("[MED2] refuses an offer with its line and a candidate with its code, and goes on", async () => {
    const { one, heard, said } = made();
    one.perform(run("start", "create-connection"));
    await turns();
    heard();
    one.perform(offer("bad"));
    one.perform(candidate("bad"));
    await turns();
    const [candidateFailed, descriptionFailed] = heard().sort((a, b) => a.kind.localeCompare(b.kind));
    assert.ok(descriptionFailed?.kind === "description-failed" && candidateFailed?.kind === "candidate-failed");
    assert.deepEqual([descriptionFailed.error.code, descriptionFailed.error.field], ["sdp/unusable", "sdp:3"]);
    assert.equal(candidateFailed.error.code, "candidate/refused");
    one.perform(offer("hello"));
    await turns();
    assert.equal(heard()[0]?.kind, "answer-created");
    assert.deepEqual(said, ["answered"]);
  });

  it("[MED10] closes a transport that was made after its session had ended, and says nothing of a late answer", async () => {
    const { engine, one, heard, said } = made();
    const { promise, resolve } = Promise.withResolvers<void>();
    engine.hold = promise;
    one.perform(run("start", "create-connection"));
    one.perform(offer("hello"));
    assert.equal(one.isOpen, true);
    void one.close();
    assert.equal(one.isOpen, false);
    resolve();
    await turns();
    assert.deepEqual(engine.heard(), ["close transport s_1"]);
    assert.deepEqual([...engine.transports], []);
    assert.ok(!said.includes("answered"));
    assert.ok(!heard().some(({ kind }) => kind === "answer-created"));
  });

  it("[MED10] takes what was lost with its engine as closed", async () => {
    const { engine, one, heard } = made();
    one.perform(run("start", "create-connection"));
    await turns();
    heard();
    engine.hold = Promise.reject(new LodelineError("media/engine-lost"));
    one.perform(run("stop", "close-connection"));
    await turns();
    const last = heard().at(-1);
    assert.ok(last?.kind === "step-done" && last.step === "close-connection");
  });
});
