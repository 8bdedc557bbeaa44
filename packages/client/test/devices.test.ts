import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import { VirtualClock } from "@lodeline/testkit";
import { OwnMedia } from "../src/devices/own-media.ts";
import { OwnSource } from "../src/devices/own-source.ts";
import { explainDevice } from "../src/devices/problems.ts";
import { openWishes } from "../src/devices/wishes.ts";
import { type Capture, FakeTrack, installMedia, restoreGlobals, settle, track } from "./support/media.ts";

function thrown(name: string): Error {
  return Object.assign(new Error(name), { name });
}

const codeOf = (error: unknown) => (error instanceof LodelineError ? error.code : String(error));

describe("devices", () => {
  after(restoreGlobals);
  let world: { capture: Capture };
  beforeEach(() => {
    world = installMedia();
  });

  it("[DEV1] what a browser throws becomes one of five codes, with what to do about it", () => {
    const table = [
      ["NotAllowedError", "device/denied"],
      ["SecurityError", "device/denied"],
      ["NotFoundError", "device/missing"],
      ["OverconstrainedError", "device/missing"],
      ["NotReadableError", "device/busy"],
      ["AbortError", "device/busy"],
      ["TypeError", "device/unsupported"],
      ["NobodyKnowsThisError", "device/busy"],
    ] as const;
    for (const [name, code] of table) {
      const problem = explainDevice("camera", thrown(name));
      assert.deepEqual([problem.code, problem.source, problem.cause], [code, "camera", name]);
      assert.match(problem.title, /camera/);
      assert.ok(problem.advice.length > 20, problem.advice);
    }
    assert.equal(explainDevice("microphone", new LodelineError("device/ended")).code, "device/ended");
    assert.equal(explainDevice("screen", "a string").code, "device/busy");
    assert.match(explainDevice("screen", thrown("NotAllowedError")).title, /cancelled/);
  });

  it("[DEV2] the last wish wins, and what an earlier one opens is closed", async () => {
    const opened: FakeTrack[] = [];
    const release: (() => void)[] = [];
    const slow = async () => {
      await new Promise<void>((resolve) => release.push(resolve));
      const one = track("video", `camera-${opened.length}`);
      opened.push(one);
      return one;
    };
    const own = new OwnSource("camera", slow, () => {});
    const first = own.open({ deviceId: "a" }).then(() => "opened", codeOf);
    const second = own.open({ deviceId: "b" }).then(() => "opened", codeOf);
    assert.equal(own.state, "starting");
    for (const go of release) go();
    assert.deepEqual(await Promise.all([first, second]), ["aborted", "opened"]);
    assert.deepEqual(
      opened.map(({ readyState }) => readyState),
      ["ended", "live"],
    );
    const third = own.open({ deviceId: "c" }).then(() => "opened", codeOf);
    const closed = own.close();
    release.at(-1)?.();
    assert.equal(await third, "aborted");
    await closed;
    assert.ok(opened.every(({ readyState }) => readyState === "ended"));
    assert.equal(own.track, undefined);
  });

  it("[DEV3] a camera that ends is a problem, a screen that ends is not", () => {
    const changes: string[] = [];
    for (const source of ["camera", "screen"] as const) {
      const own = new OwnSource(
        source,
        () => Promise.reject(new Error("not asked")),
        (_, change) => changes.push(change),
      );
      own.want("live");
      const one = track("video", source);
      own.adopt(one);
      assert.equal(own.state, "live");
      one.end();
      assert.equal(own.problem?.code, source === "camera" ? "device/ended" : undefined);
      assert.equal(own.track, undefined);
    }
    assert.equal(changes.filter((change) => change === "ended").length, 2);
  });

  it("[DEV3] a camera whose permission was taken back is told apart from one that was pulled", async (t) => {
    for (const state of ["denied", "granted", undefined]) {
      const query = () => (state ? Promise.resolve({ state }) : Promise.reject(new TypeError("no such permission")));
      const before = Object.getOwnPropertyDescriptor(globalThis.navigator, "permissions");
      Object.defineProperty(globalThis.navigator, "permissions", { value: { query }, configurable: true });
      t.after(() => before ?? Reflect.deleteProperty(globalThis.navigator, "permissions"));
      const own = new OwnSource(
        "camera",
        () => Promise.reject(new Error("not asked")),
        () => {},
      );
      const one = track("video", "camera");
      own.adopt(one);
      one.end();
      assert.equal(own.problem?.code, "device/ended");
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(own.problem?.code, state === "denied" ? "device/denied" : "device/ended");
    }
  });

  it("[DEV4] waits no longer than the device wait, and uses what comes later", async () => {
    const clock = new VirtualClock();
    const media = new OwnMedia();
    let answer = (): void => {};
    world.capture = async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return [new FakeTrack("audio", "a"), new FakeTrack("video", "v")];
    };
    let waiting = true;
    const opening = openWishes(media, true, true, clock, 800).then(() => {
      waiting = false;
    });
    await settle();
    clock.advance(799);
    await settle();
    assert.equal(waiting, true);
    clock.advance(1);
    await opening;
    assert.deepEqual([media.sources.camera.state, media.sources.camera.track], ["starting", undefined]);
    answer();
    await settle();
    assert.deepEqual([media.sources.camera.state, media.sources.microphone.state], ["live", "live"]);
  });

  it("[DEV4] a missing camera does not cost the microphone, and nothing at all is an error", async () => {
    const clock = new VirtualClock();
    const media = new OwnMedia();
    world.capture = async ({ audio, video }) => {
      if (video) throw thrown("NotFoundError");
      return audio ? [new FakeTrack("audio", "a")] : [];
    };
    await openWishes(media, true, true, clock, 800);
    assert.deepEqual([media.sources.camera.problem?.code, media.sources.microphone.state], ["device/missing", "live"]);
    world.capture = () => Promise.reject(thrown("NotAllowedError"));
    const none = await openWishes(new OwnMedia(), true, { deviceId: "x" }, clock, 800).then(() => "opened", codeOf);
    assert.equal(none, "device/denied");
    await openWishes(new OwnMedia(), false, false, clock, 800);
  });

  it("[DEV5] devices are released with the last hold", async () => {
    const media = new OwnMedia();
    media.hold();
    media.hold();
    await media.sources.microphone.open();
    await media.release();
    assert.equal(media.sources.microphone.track?.readyState, "live");
    await media.release();
    assert.deepEqual(
      media.records().map(({ readyState }) => readyState),
      ["ended"],
    );
    assert.deepEqual(media.stream.getTracks(), []);
  });
});
