import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import type { Sources } from "@lodeline/protocol";
import { OwnMedia } from "../src/devices/own-media.ts";
import { LocalControl } from "../src/room/own-controls.ts";
import { OwnPublishing } from "../src/room/own-publishing.ts";
import { type Capture, FakeTrack, installMedia, restoreGlobals, settle } from "./support/media.ts";

describe("publishing own sources", () => {
  after(restoreGlobals);
  let world: { capture: Capture };
  let media: OwnMedia;
  let told: string[];
  let publishing: OwnPublishing;
  let camera: LocalControl;
  let microphone: LocalControl;

  beforeEach(() => {
    world = installMedia();
    media = new OwnMedia();
    told = [];
    publishing = new OwnPublishing(media, (source, intent) => told.push(`${source} ${intent}`));
    const context = {
      media,
      publish: publishing.update.bind(publishing),
      assertMayPublish: () => {},
    };
    camera = new LocalControl("camera", context);
    microphone = new LocalControl("microphone", context);
  });

  const server = (intent: "unpublished" | "live" | "muted", mutedBy: string | null = null): Sources => {
    const off = { intent: "unpublished", mutedBy: null } as const;
    return { microphone: off, camera: { intent, mutedBy }, screen: off, "screen-audio": off };
  };

  it("[PUB1] a join says live only of what there is; the rest follows when it comes", async () => {
    let answer = (): void => {};
    world.capture = async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return [new FakeTrack("video", "v")];
    };
    const on = camera.on();
    assert.equal(publishing.begin().camera, "unpublished");
    publishing.admitted(server("unpublished"));
    assert.deepEqual(told, []);
    await settle();
    answer();
    await on;
    assert.deepEqual(told, ["camera live"]);
    await camera.on();
    assert.deepEqual(told, ["camera live"], "each change once");
  });

  it("[PUB5] a mute that its owner may lift is lifted by them alone", async () => {
    await microphone.on();
    publishing.begin();
    publishing.admitted(server("unpublished"));
    await publishing.heard("microphone", "muted", "p_chair");
    await assert.rejects(microphone.unmute(), (error: LodelineError) => error.code === "auth/forbidden");
    await publishing.heard("microphone", "muted", "p_chair", true);
    assert.deepEqual([microphone.state, microphone.mutedBy, microphone.mayUnmute], ["muted", "p_chair", true]);
    told.length = 0;
    await microphone.unmute();
    assert.deepEqual(told, ["microphone live"]);
    // The room still says whose mute it was, until it has heard the wish.
    await publishing.heard("microphone", "live", "p_chair", true);
    assert.deepEqual([microphone.state, microphone.mutedBy], ["live", null]);
  });

  it("[PUB1] a device that fails is not published, and the caller is told why", async () => {
    publishing.begin();
    world.capture = () => Promise.reject(Object.assign(new Error(), { name: "NotReadableError" }));
    await assert.rejects(camera.on(), (error) => error instanceof LodelineError && error.code === "device/busy");
    assert.deepEqual([told, camera.state, camera.problem?.code], [[], "failed", "device/busy"]);
  });

  it("[PUB2] a moderator's mute releases the camera, keeps the microphone, and binds until it is lifted", async () => {
    publishing.begin();
    await camera.on();
    await microphone.on();
    const light = camera.track;
    await publishing.heard("camera", "muted", "p_mod");
    await publishing.heard("microphone", "muted", "p_mod");
    assert.equal(light?.readyState, "ended");
    assert.equal(microphone.track?.readyState, "live");
    assert.deepEqual([media.sources.camera.audible, media.sources.microphone.audible], [false, false]);
    await assert.rejects(microphone.unmute(), /auth\/forbidden/);
    await publishing.heard("microphone", "muted", null);
    assert.deepEqual([microphone.state, media.sources.microphone.audible], ["muted", false]);
    await microphone.unmute();
    assert.deepEqual([microphone.state, told.at(-1)], ["live", "microphone live"]);
  });

  it("[PUB3] a muted camera stays muted to the others until it gives a picture again", async () => {
    publishing.begin();
    await camera.on();
    await camera.mute();
    assert.deepEqual([told, camera.track], [["camera live", "camera muted"], undefined]);
    let answer = (): void => {};
    world.capture = async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return [new FakeTrack("video", "again")];
    };
    const unmuted = camera.unmute();
    publishing.update("camera");
    assert.equal(told.at(-1), "camera muted");
    await settle();
    answer();
    await unmuted;
    assert.equal(told.at(-1), "camera live");
  });

  it("[PUB4] what the room does not grant is released", async () => {
    publishing.begin();
    await camera.on();
    const light = camera.track;
    await publishing.heard("camera", "unpublished", null);
    assert.deepEqual([light?.readyState, camera.state], ["ended", "off"]);
  });
});
