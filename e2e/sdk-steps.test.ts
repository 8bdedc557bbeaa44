import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { PlanStep } from "@lodeline/client";
import type { LodelineServer } from "@lodeline/server";
import { RUN_STEPS, START_STEPS, STOP_STEPS, type StartStep } from "@lodeline/session";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { BROKEN_START, BROKEN_STOP, type BrokenStep, breakOnce } from "./support/sdk-broken-steps.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import type { SdkLab } from "./support/sdk-page-script.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

describe("order of operations in a real browser", { timeout: 240_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browser: LaunchedBrowser;
  let ada: Person;

  before(async () => {
    [server, page, browser] = await Promise.all([startServer(), serveSdkPage(), launch("chromium")]);
    ada = await Person.arrive(browser, { server: server.url, page: page.url });
    await ada.connect("ada");
  });
  after(async () => {
    await browser?.close();
    await page?.[Symbol.asyncDispose]();
    await server?.close();
  });

  /** Calls the server peer. */
  const call = () =>
    ada.run(async (lab) => {
      lab.steps.length = 0;
      const made = await lab.client?.call("lodeline-server", { audio: true, video: true });
      if (made) lab.follow(made);
    });

  const arm = (broken: BrokenStep) =>
    ada.page.evaluate(`(${breakOnce.toString()})(globalThis.lab, ${JSON.stringify(broken)})`);

  /** Ends of steps as `plan step outcome`. */
  const told = async () => {
    const steps = await ada.run((lab) => lab.steps.map(({ plan, step, outcome }) => `${plan} ${step} ${outcome}`));
    return steps;
  };

  const over = () => ada.until(() => lab.call?.state === "Ended" && lab.client?.calls.size === 0);

  /** Asserts that nothing that was ever opened is open. */
  async function nothingIsLeft(): Promise<void> {
    // A driver closes what its plan could not, a turn or two after the call is over.
    await ada.until(() => {
      const { tracks, connections } = lab.opened();
      return tracks.every((state) => state === "ended") && connections.every((state) => state === "closed");
    }, 2_000);
  }

  /** A whole call, start to end: what came before it left nothing in its way. */
  async function nextOneWorks(): Promise<void> {
    await call();
    await ada.until(() => lab.call?.state === "Active" && lab.call.receiving.video && lab.call.receiving.audio);
    const receipt = await ada.run(async (lab) => lab.call?.hangup());
    assert.deepEqual([receipt?.clean, receipt?.left], [true, []]);
    await nothingIsLeft();
  }

  const done = (plan: PlanStep["plan"], steps: readonly PlanStep["step"][]) =>
    steps.map((step) => `${plan} ${step} done`);

  /** What must have been told when the start stopped at a step: all before it, its outcome, and the way back. */
  function unwound(step: StartStep, outcome: string): string[] {
    const before = START_STEPS.slice(0, START_STEPS.indexOf(step));
    const back = before.filter((one) => RUN_STEPS.has(one)).toReversed();
    return [...done("start", before), `start ${step} ${outcome}`, ...done("undo", back)];
  }

  it("tells the twelve and the seven, in order, each with its duration", async () => {
    await nextOneWorks();
    assert.deepEqual(await told(), [...done("start", START_STEPS), ...done("stop", STOP_STEPS)]);
    const steps = await ada.run((lab) => lab.steps.map(({ step, durationMs }) => `${step} ${durationMs.toFixed(1)}`));
    console.log(`steps, ms: ${steps.join(", ")}`);
    assert.deepEqual(await ada.run((lab) => lab.call?.steps.length), steps.length, "the call itself has them too");
  });

  for (const broken of BROKEN_START) {
    const number = START_STEPS.indexOf(broken.step as StartStep) + 1;
    it(`${number}. ${broken.step} fails (${broken.fails}): exactly what was done is taken back`, async () => {
      await arm(broken);
      await call();
      await over();
      assert.deepEqual(await told(), unwound(broken.step as StartStep, "failed"));
      assert.equal(await ada.run((lab) => lab.call?.reason), "plan-failed");
      const failure = await ada.run((lab) => lab.steps.find(({ outcome }) => outcome === "failed")?.error?.code);
      assert.ok(failure, "the failed step says why");
      await nothingIsLeft();
      await nextOneWorks();
    });
  }

  it("2. open-devices fails: the call goes on and listens, and no camera is on", async () => {
    await ada.run((lab) => {
      const { mediaDevices } = navigator;
      const original = mediaDevices.getUserMedia;
      mediaDevices.getUserMedia = () => Promise.reject(new DOMException("in use", "NotReadableError"));
      lab.onStep = ({ step }) => {
        if (step === "open-devices") mediaDevices.getUserMedia = original;
      };
    });
    await call();
    await ada.until(() => lab.call?.state === "Active");
    const [first, second] = await told();
    assert.deepEqual([first, second], ["start create-connection done", "start open-devices failed"]);
    assert.equal(await ada.run((lab) => lab.steps[1]?.error?.code), "device/busy");
    const receipt = await ada.run(async (lab) => lab.call?.hangup());
    assert.deepEqual([receipt?.clean, receipt?.tracks], [true, []]);
    await nextOneWorks();
  });

  it("8. wait-answer fails: the offer is refused, and everything is taken back", async () => {
    await ada.run(() => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function spoil(text) {
        if (typeof text !== "string" || !text.includes('"offer"')) return send.call(this, text);
        WebSocket.prototype.send = send;
        send.call(this, text.replaceAll("m=", "q="));
      };
    });
    await call();
    await over();
    // It was the other end that gave up: the wait did not fail, it was no longer wanted.
    assert.deepEqual(await told(), unwound("wait-answer", "abandoned"));
    await nothingIsLeft();
    await nextOneWorks();
  });

  it("10. add-candidates fails: a candidate that cannot be used costs nothing else", async () => {
    // The server's candidates stand in its answer. A person's trickle, and some of them are refused here.
    const ben = await Person.arrive(browser, { server: server.url, page: page.url });
    const identity = await ben.connect("ben");
    await ada.page.evaluate(async (to) => {
      const { addIceCandidate } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.addIceCandidate = () => {
        RTCPeerConnection.prototype.addIceCandidate = addIceCandidate;
        lab.note("broken candidate");
        return Promise.reject(new DOMException("no", "OperationError"));
      };
      lab.steps.length = 0;
      const made = await lab.client?.call(to, { audio: true, video: true });
      if (made) lab.follow(made);
    }, identity ?? "");
    await ben.until(() => lab.call?.state === "IncomingInit");
    await ben.run((lab) => lab.call?.accept({ audio: true, video: true }));
    await ada.until(() => lab.call?.state === "Active" && lab.call.receiving.video && lab.call.receiving.audio);
    assert.ok(
      (await ada.notes()).some(({ what }) => what === "broken candidate"),
      "a candidate came",
    );
    const receipt = await ada.run(async (lab) => lab.call?.hangup());
    assert.deepEqual([receipt?.clean, receipt?.left], [true, []]);
    assert.deepEqual(await told(), [...done("start", START_STEPS), ...done("stop", STOP_STEPS)]);
    await nothingIsLeft();
    await ben.page.close();
    await nextOneWorks();
  });

  it("11. wait-connected fails: no path is found within the wait, and everything is taken back", async () => {
    const alone = await Person.arrive(browser, { server: server.url, page: page.url });
    const steps = await alone.page.evaluate(async (url) => {
      const client = lab.open({ url, iceTransportPolicy: "relay", timers: { negotiatingMs: 1_500 } });
      const made = await client.call("lodeline-server", { audio: true, video: true });
      await new Promise((resolve) => made.on("ended", resolve));
      return [made.reason, ...lab.steps.map(({ plan, step, outcome }) => `${plan} ${step} ${outcome}`)];
    }, server.url);
    const [reason, ...rest] = steps;
    assert.match(reason ?? "", /^(setup-timeout|connection-failed)$/);
    assert.deepEqual(rest, unwound("wait-connected", rest[START_STEPS.length - 2]?.split(" ")[2] ?? ""));
    const { tracks, connections } = await alone.run((lab) => lab.opened());
    assert.deepEqual([...new Set([...tracks, ...connections])].sort(), ["closed", "ended"]);
    await alone.page.close();
  });

  for (const [index, broken] of BROKEN_STOP.entries()) {
    it(`${index + 13}. ${broken.step} fails (${broken.fails}): the others run, and all is released`, async () => {
      await call();
      await ada.until(() => lab.call?.state === "Active" && lab.call.receiving.video);
      await ada.run((lab) => {
        lab.steps.length = 0;
      });
      await arm(broken);
      const receipt = await ada.run(async (lab) => lab.call?.hangup());
      assert.deepEqual(
        await told(),
        STOP_STEPS.map((step) => `stop ${step} ${step === broken.step ? "failed" : "done"}`),
      );
      assert.deepEqual(
        receipt?.steps.filter(({ outcome }) => outcome !== "done").map(({ step }) => step),
        [broken.step],
        "the receipt names it",
      );
      await nothingIsLeft();
      await nextOneWorks();
    });
  }

  /** Devices give nothing until {@link answer} is called, as while a person reads the permission prompt. */
  const holdDevices = (lab: SdkLab) => {
    const { mediaDevices } = navigator;
    const original = mediaDevices.getUserMedia;
    const gate = Promise.withResolvers<void>();
    Object.assign(lab, { answer: gate.resolve });
    mediaDevices.getUserMedia = async (constraints) => {
      mediaDevices.getUserMedia = original;
      await gate.promise;
      return original.call(mediaDevices, constraints);
    };
    lab.captured.length = 0;
  };
  const answer = (person: Person) => person.run((lab) => (lab as SdkLab & { answer(): void }).answer());

  it("an end while the camera is asked for waits for nobody, and what comes late is stopped at once", async () => {
    await ada.run(holdDevices);
    await call();
    await ada.until(() => lab.steps.length === 1);
    const receipt = await ada.run(async (lab) => lab.call?.hangup());
    assert.deepEqual([receipt?.reason, receipt?.left], ["hangup", []]);
    assert.deepEqual((await told()).toSorted(), [
      "start create-connection done",
      "start open-devices abandoned",
      "undo create-connection done",
      "undo open-devices done",
    ]);
    assert.deepEqual(await ada.run((lab) => lab.captured.length), 0);
    await nextOneWorks();
    await ada.run((lab) => {
      lab.captured.length = 0;
    });
    await answer(ada);
    await ada.until(() => lab.captured.length === 2);
    await ada.until(() => lab.captured.every((track) => track.readyState === "ended"), 1_000);
  });

  it("a room that is left while the camera is asked for leaves no camera on", async () => {
    const ben = await Person.arrive(browser, { server: server.url, page: page.url });
    await ben.run(holdDevices);
    await ben.join({ room: "prompt", name: "ben" });
    assert.equal(await ben.run((lab) => lab.room?.camera.state), "starting");
    await ben.leaveCleanly();
    await answer(ben);
    await ben.until(() => lab.captured.length === 2);
    await ben.until(() => lab.captured.every((track) => track.readyState === "ended"), 1_000);
    await ben.page.close();
  });

  for (const after of ["create-offer", "apply-answer"] as const) {
    it(`an end right after ${after}, amid the negotiation, takes back what was done`, async () => {
      await ada.run((lab) => {
        lab.steps.length = 0;
      });
      await ada.page.evaluate((step) => {
        lab.onStep = (one) => {
          if (one.step !== step) return;
          lab.onStep = undefined;
          void lab.call?.hangup();
        };
      }, after);
      await call();
      await over();
      const waiting = after === "create-offer" ? "wait-answer" : "wait-connected";
      assert.deepEqual(await told(), unwound(waiting, "abandoned"));
      await nothingIsLeft();
      await nextOneWorks();
    });
  }

  it("an end amid another end changes nothing, and both are given the same receipt", async () => {
    await call();
    await ada.until(() => lab.call?.state === "Active");
    await ada.run((lab) => {
      lab.steps.length = 0;
    });
    const [first, second, third] = await ada.run(async (lab) => {
      const ends = [lab.call?.hangup(), lab.call?.hangup()];
      lab.onStep = () => {
        lab.onStep = undefined;
        ends.push(lab.call?.hangup());
      };
      await ends[0];
      return Promise.all(ends);
    });
    assert.deepEqual([first?.clean, second, third], [true, first, first]);
    assert.deepEqual(await told(), done("stop", STOP_STEPS));
    await nextOneWorks();
  });
});
