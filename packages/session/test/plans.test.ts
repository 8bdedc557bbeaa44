import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { ANSWER_STEPS, type PlanStep, RUN_STEPS, START_STEPS, STOP_STEPS, type StartStep } from "@lodeline/session";
import { activeAnswerer, activeOfferer, OneEnd, offer, reasonOf, sdp } from "./one-end.ts";

function negotiating(options: ConstructorParameters<typeof OneEnd>[0] = {}): OneEnd {
  const end = new OneEnd(options);
  end.call("s1");
  end.hear("s1", 0, { kind: "accept" });
  return end;
}

/** Takes a fresh offerer to the moment in which this step is present. */
function at(step: StartStep): OneEnd {
  const end = negotiating();
  for (const done of START_STEPS) {
    if (done === step) return end;
    if (RUN_STEPS.has(done)) end.done("s1", done);
    if (done === "create-offer") end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    if (done === "wait-answer") end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    if (done === "apply-answer") end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    if (done === "wait-connected") end.feed({ kind: "transport", session: "s1", connection: "connected" });
  }
  return end;
}

const runs = (end: OneEnd, plan: "start" | "stop") =>
  end
    .of("run")
    .filter((effect) => effect.plan === plan)
    .map((effect) => effect.step);
const undos = (end: OneEnd) => end.of("undo").map((effect) => effect.step);
const steps = (end: OneEnd) => end.events("step").map((event) => `${event.plan} ${event.step} ${event.outcome}`);

describe("start", () => {
  it("[SES27] the offerer's twelve steps are taken in order, each when the one before it is over", () => {
    const end = new OneEnd();
    end.call("s1");
    end.hear("s1", 0, { kind: "accept" });
    const present = () => START_STEPS[end.events("step").length];
    for (const [index, step] of START_STEPS.slice(0, 6).entries()) {
      assert.equal(present(), step);
      assert.deepEqual(runs(end, "start"), START_STEPS.slice(0, index + 1));
      end.advance(10);
      // A step that is not the present one, of another plan, or comes twice, is not taken for it.
      end.done("s1", "enable-tracks");
      end.done("s1", step, "undo");
      end.fail("s1", step, "stop");
      assert.equal(present(), step);
      end.done("s1", step);
      end.done("s1", step);
    }
    assert.equal(present(), "create-offer");
    end.advance(5);
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    assert.equal(present(), "wait-answer");
    end.advance(7);
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    assert.equal(present(), "apply-answer");
    end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    assert.equal(present(), "wait-connected");
    end.feed({ kind: "transport", session: "s1", connection: "connected" });
    assert.equal(present(), "enable-tracks");
    end.done("s1", "enable-tracks");
    assert.deepEqual(
      end.events("step").map((event) => [event.step, event.outcome, event.durationMs]),
      START_STEPS.map((step, index) => [step, "done", [10, 10, 10, 10, 10, 10, 5, 7, 0, 0, 0, 0][index]]),
    );
  });

  it("[SES28] the answerer's 7 to 9 are: wait for the offer, apply it, send the answer", () => {
    const end = activeAnswerer();
    assert.deepEqual(
      end.events("step").map((event) => event.step),
      ANSWER_STEPS,
    );
    assert.deepEqual(ANSWER_STEPS.slice(6, 9), ["wait-offer", "apply-offer", "send-answer"]);
    assert.deepEqual(
      [...ANSWER_STEPS.slice(0, 6), ...ANSWER_STEPS.slice(9)],
      [...START_STEPS.slice(0, 6), ...START_STEPS.slice(9)],
    );
  });

  it("[SES28] an offer that is early waits until the answerer's tracks and channel are there", () => {
    const end = new OneEnd({ use: "pair" });
    end.feed({ kind: "assign", session: "s1", role: "answerer" });
    end.hear("s1", 1, { kind: "offer", offer: offer("R1") });
    for (const step of ANSWER_STEPS.slice(0, 6)) {
      assert.equal(end.of("apply-offer").length, 0, step);
      end.done("s1", step);
    }
    assert.equal(end.of("apply-offer").length, 1);
    assert.equal(end.events("step").at(-1)?.step, "wait-offer");
    const later = new OneEnd({ use: "pair" });
    later.feed({ kind: "assign", session: "s1", role: "answerer" });
    later.performAll("s1");
    later.advance(30);
    later.hear("s1", 1, { kind: "offer", offer: offer("R1") });
    const waited = later.events("step").at(-1);
    assert.deepEqual([waited?.step, waited?.durationMs], ["wait-offer", 30]);
  });

  it("[SES29] steps without an object are told as skipped and not performed, in both plans", () => {
    const end = activeOfferer({ dataChannel: false, captures: false });
    assert.deepEqual(runs(end, "start"), ["create-connection", "add-tracks", "enable-tracks"]);
    end.feed({ kind: "end", reason: "hangup" });
    end.performAll("s1");
    assert.deepEqual(runs(end, "stop"), ["disable-tracks", "close-connection"]);
    const skipped = end.events("step").filter((event) => event.outcome === "skipped");
    assert.deepEqual(
      skipped.map((event) => event.step),
      [
        "open-devices",
        "create-source",
        "create-stream",
        "open-channel",
        "stop-source",
        "wait-source-stopped",
        "release-device",
        "drop-stream",
        "close-channel",
      ],
    );
    assert.equal(end.ended.receipt.clean, true);
  });

  it("[SES30] a refused device does not keep the session from becoming Active", () => {
    const end = negotiating();
    end.done("s1", "create-connection");
    end.fail("s1", "open-devices", "start", false);
    end.performAll("s1");
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    end.feed({ kind: "transport", session: "s1", connection: "connected" });
    assert.equal(end.kind, "Active");
    const failed = end.events("step").find((event) => event.step === "open-devices");
    assert.deepEqual([failed?.outcome, failed?.error?.code], ["failed", "device/denied"]);
  });

  for (const [index, step] of START_STEPS.entries()) {
    if (!RUN_STEPS.has(step)) continue;
    it(`[SES31] a failure at step ${index + 1} (${step}) takes back exactly what was done, in reverse`, () => {
      const end = at(step);
      end.fail("s1", step);
      assert.equal(end.kind, "Ending");
      end.performAll("s1");
      end.advance(0);
      const done = START_STEPS.slice(0, index).filter((earlier) => RUN_STEPS.has(earlier));
      assert.deepEqual(undos(end), done.toReversed());
      assert.deepEqual(runs(end, "stop"), []);
      assert.equal(reasonOf(end), "plan-failed");
      assert.equal(end.ended.by, "world");
      assert.equal(end.ended.receipt.clean, true);
      assert.equal(end.sent("hangup")[0]?.body.reason, "plan-failed");
      assert.equal(end.kind, "Idle");
    });
  }

  for (const [index, step] of START_STEPS.entries()) {
    if (RUN_STEPS.has(step)) continue;
    it(`[SES31] a failure or an end at step ${index + 1} (${step}) takes back exactly what was done, in reverse`, () => {
      const end = at(step === "add-candidates" ? "wait-connected" : step);
      if (step === "create-offer" || step === "apply-answer") {
        const error = new LodelineError("sdp/unusable");
        end.feed({ kind: "description-failed", session: "s1", epoch: 1, error });
        assert.equal(steps(end).at(-1), `start ${step} failed`);
        assert.equal(end.events("step").at(-1)?.error, error, "with why");
      } else {
        end.feed({ kind: "end", reason: "hangup" });
        assert.match(steps(end).at(-1) ?? "", /^start .* abandoned$/);
      }
      end.performAll("s1");
      assert.deepEqual(undos(end), START_STEPS.slice(0, 6).toReversed());
      assert.equal(end.ended.receipt.clean, true);
    });
  }

  it("[SES31] each undo waits for the one before it", () => {
    const end = at("create-offer");
    end.feed({ kind: "end", reason: "hangup" });
    for (const [index, step] of START_STEPS.slice(0, 6).toReversed().entries()) {
      assert.deepEqual(undos(end).length, index + 1);
      end.done("s1", step, "stop");
      assert.equal(undos(end).length, index + 1, "an answer of another plan is not taken for it");
      end.done("s1", step, "undo");
    }
    assert.equal(end.kind, "Ended");
  });
});

describe("Active", () => {
  it("[SES32] is entered when the transport is connected and never before; then tracks are enabled", () => {
    const end = at("wait-connected");
    for (const connection of ["connecting", "disconnected"] as const) {
      end.feed({ kind: "transport", session: "s1", connection });
      assert.equal(end.kind, "Negotiating");
    }
    assert.ok(!runs(end, "start").includes("enable-tracks"));
    const effects = end.feed({ kind: "transport", session: "s1", connection: "connected" });
    assert.equal(end.kind, "Active");
    const order = effects.map((effect) => (effect.kind === "emit" ? effect.event.kind : effect.kind));
    assert.deepEqual(order, ["step", "stateChanged", "run"]);
    assert.equal(end.events("media").length, 0);
    end.done("s1", "enable-tracks");
    assert.deepEqual(end.events("media"), [{ kind: "media", session: "s1", ready: true }]);
  });

  it("[SES32] a transport that is connected before the answer is applied waits for it", () => {
    const end = at("apply-answer");
    end.feed({ kind: "transport", session: "s1", connection: "connected" });
    assert.equal(end.kind, "Negotiating");
    end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    assert.equal(end.kind, "Active");
  });

  it("[SES32] media and data are two facts, told apart and taken back at the end", () => {
    const end = activeOfferer();
    assert.equal(end.events("data").length, 0);
    end.feed({ kind: "data", session: "s1", open: true });
    end.feed({ kind: "data", session: "s1", open: true });
    assert.deepEqual(end.events("data"), [{ kind: "data", session: "s1", ready: true }]);
    end.feed({ kind: "end", reason: "hangup" });
    assert.equal(end.events("data").at(-1)?.ready, false);
    assert.equal(end.events("media").at(-1)?.ready, false);
    const early = at("wait-connected");
    early.feed({ kind: "data", session: "s1", open: true });
    assert.equal(early.events("data").length, 1);
    assert.equal(early.events("media").length, 0);
  });
});

describe("stop", () => {
  it("[SES33] seven steps in order, each awaited", () => {
    const end = activeOfferer();
    end.feed({ kind: "end", reason: "hangup" });
    for (const [index, step] of STOP_STEPS.entries()) {
      assert.deepEqual(runs(end, "stop"), STOP_STEPS.slice(0, index + 1));
      assert.equal(end.kind, "Ending");
      end.advance(20);
      end.done("s1", step, "stop");
    }
    assert.equal(end.kind, "Ended");
    assert.deepEqual(
      end.ended.receipt.steps.map((step) => [step.plan, step.step, step.outcome, step.durationMs]),
      STOP_STEPS.map((step) => ["stop", step, "done", 20]),
    );
    assert.equal(end.ended.receipt.durationMs, 140);
    assert.deepEqual(undos(end), []);
  });

  for (const [index, step] of STOP_STEPS.entries()) {
    it(`[SES33] a failure at step ${index + 1} (${step}) does not keep the others from running`, () => {
      const end = activeOfferer();
      end.feed({ kind: "end", reason: "hangup" });
      for (const each of STOP_STEPS) {
        if (each === step) end.fail("s1", each, "stop");
        else end.done("s1", each, "stop");
      }
      assert.deepEqual(runs(end, "stop"), STOP_STEPS);
      assert.equal(end.kind, "Ended");
      assert.equal(end.ended.receipt.clean, false);
      assert.deepEqual(
        end.ended.receipt.steps.filter((each) => each.outcome === "failed").map((each) => each.step),
        [step],
      );
    });
  }
});

describe("an end at an awkward moment", () => {
  it("[SES34] waits for the pending step and takes it back first", () => {
    for (const step of START_STEPS.slice(0, 6)) {
      if (step === "open-devices") continue;
      const end = at(step);
      end.feed({ kind: "end", reason: "hangup" });
      assert.deepEqual(undos(end), [], step);
      end.done("s1", step);
      end.performAll("s1");
      const done = START_STEPS.slice(0, START_STEPS.indexOf(step) + 1);
      assert.deepEqual(undos(end), done.toReversed());
      assert.ok(steps(end).includes(`start ${step} abandoned`));
    }
  });

  it("[SES34] a pending step that fails is not taken back", () => {
    const end = at("add-tracks");
    end.feed({ kind: "end", reason: "hangup" });
    end.fail("s1", "add-tracks");
    end.performAll("s1");
    assert.deepEqual(undos(end), START_STEPS.slice(0, 4).toReversed());
    assert.equal(end.kind, "Ended");
  });

  it("[SES34] a permission prompt holds up nothing, and what it gives is taken back", () => {
    const end = at("open-devices");
    end.feed({ kind: "end", reason: "hangup" });
    assert.deepEqual(undos(end), ["create-connection"]);
    end.done("s1", "create-connection", "undo");
    assert.equal(end.kind, "Ending");
    end.done("s1", "open-devices", "start", { owned: [{ kind: "device", id: "camera", state: "held" }] });
    assert.deepEqual(undos(end), ["create-connection", "open-devices"]);
    end.done("s1", "open-devices", "undo", { owned: [{ kind: "device", id: "camera", state: "released" }] });
    assert.equal(end.kind, "Ended");
    assert.equal(end.ended.receipt.clean, true);
    assert.deepEqual(end.ended.receipt.owned, [{ kind: "device", id: "camera", state: "released" }]);
  });

  it("[SES35] a permission that comes after the end is given back at once, in every later state", () => {
    const end = at("open-devices");
    end.feed({ kind: "end", reason: "hangup" });
    end.done("s1", "create-connection", "undo");
    end.advance(DEFAULT_TIMERS.endingMs);
    assert.equal(end.kind, "Idle");
    assert.deepEqual(end.ended.receipt.left, ["open-devices"]);
    assert.equal(steps(end).at(-1), "start open-devices timed-out");
    assert.equal(end.ended.receipt.clean, false);
    const late = end.done("s1", "open-devices");
    assert.deepEqual(late, [{ kind: "undo", session: "s1", step: "open-devices" }]);
    end.done("s1", "open-devices", "undo", { owned: [{ kind: "device", id: "camera", state: "released" }] });
    assert.equal(end.events("released-late").length, 1);
    end.call("s2");
    end.hear("s2", 0, { kind: "accept" }, 1);
    end.done("s2", "create-connection");
    assert.deepEqual(end.done("s1", "open-devices"), [{ kind: "undo", session: "s1", step: "open-devices" }]);
    assert.equal(end.events("step").at(-1)?.step, "create-connection", "not taken for a step of the present session");
  });

  it("[SES36] endingMs later the teardown is over: the rest is begun at once, what did not answer is named", () => {
    const end = activeOfferer();
    end.feed({ kind: "end", reason: "hangup" });
    end.done("s1", "disable-tracks", "stop");
    end.advance(DEFAULT_TIMERS.endingMs - 1);
    assert.equal(end.kind, "Ending");
    assert.deepEqual(runs(end, "stop"), ["disable-tracks", "stop-source"]);
    end.advance(1);
    assert.equal(end.kind, "Idle");
    assert.deepEqual(runs(end, "stop"), STOP_STEPS);
    assert.deepEqual(end.ended.receipt.left, STOP_STEPS.slice(1));
    assert.equal(end.ended.receipt.clean, false);
    assert.deepEqual(
      end.ended.receipt.steps.map((step) => step.outcome),
      ["done", ...Array(6).fill("timed-out")],
    );
  });

  it("[SES37] a page that closes begins every step at once, in order", () => {
    const active = activeOfferer();
    active.feed({ kind: "end", reason: "page-closed" });
    assert.deepEqual(runs(active, "stop"), STOP_STEPS);
    active.performAll("s1");
    assert.equal(active.ended.receipt.clean, true);
    const early = at("create-offer");
    early.feed({ kind: "end", reason: "page-closed" });
    assert.deepEqual(undos(early), START_STEPS.slice(0, 6).toReversed());
  });

  it("[SES38] a second end, from either side, changes nothing", () => {
    const end = activeOfferer();
    end.feed({ kind: "end", reason: "hangup" });
    const { state } = end;
    end.feed({ kind: "end", reason: "left" });
    end.hear("s1", 1, { kind: "hangup", reason: "declined" });
    end.feed({ kind: "transport", session: "s1", connection: "closed" });
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    assert.equal(end.state, state);
    end.performAll("s1");
    assert.equal(reasonOf(end), "hangup");
    assert.equal(end.events("ended").length, 1);
    assert.equal(end.sent("hangup").length, 1);
  });
});

describe("receipt", () => {
  const opened: Partial<Record<PlanStep, object>> = {
    "create-connection": { kind: "connection", id: "pc", state: "new" },
    "open-devices": { kind: "device", id: "cam", state: "held" },
    "add-tracks": { kind: "track", id: "t1", state: "live" },
    "open-channel": { kind: "channel", id: "dc", state: "connecting" },
  };
  const closed: Partial<Record<PlanStep, object>> = {
    "stop-source": { kind: "track", id: "t1", state: "ended" },
    "release-device": { kind: "device", id: "cam", state: "released" },
    "close-channel": { kind: "channel", id: "dc", state: "closed" },
    "close-connection": { kind: "connection", id: "pc", state: "closed" },
  };

  function ended(given: Partial<Record<PlanStep, object>>) {
    const end = negotiating();
    const value = (step: PlanStep) => ({ owned: [opened[step] ?? given[step]].filter((thing) => thing) as never });
    end.performAll("s1", value);
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    end.feed({ kind: "transport", session: "s1", connection: "connected" });
    end.performAll("s1", value);
    end.feed({ kind: "end", reason: "hangup" });
    end.performAll("s1", value);
    return end.ended.receipt;
  }

  it("[SES39] holds everything the steps reported, each with its last state", () => {
    const receipt = ended(closed);
    assert.deepEqual(
      receipt.owned.map((thing) => `${thing.kind}:${thing.id} ${thing.state}`),
      ["connection:pc closed", "device:cam released", "track:t1 ended", "channel:dc closed"],
    );
    assert.equal(receipt.clean, true);
    assert.deepEqual(receipt.left, []);
  });

  it("[SES39] is not clean when a step succeeded and yet something is still held", () => {
    const receipt = ended({ ...closed, "release-device": undefined as never });
    assert.equal(receipt.clean, false);
    assert.deepEqual(receipt.left, ["device:cam"]);
  });
});
