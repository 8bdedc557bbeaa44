import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };

describe("a room as people use it", { timeout: 180_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browser: LaunchedBrowser;
  let ada: Person;
  let mod: Person;

  before(async () => {
    [server, page, browser] = await Promise.all([startServer(), serveSdkPage(), launch("chromium")]);
    ada = await Person.arrive(browser, { server: server.url, page: page.url });
    mod = await Person.arrive(browser, { server: server.url, page: page.url });
    await ada.join({ room: "use", name: "ada" });
    await mod.join({ room: "use", name: "mod", admin: true });
    await ada.says("mod", LIVE);
    await mod.says("ada", LIVE);
  });
  after(async () => {
    await browser.close();
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  const moderate = (kind: "mute" | "allow", source: "camera" | "microphone") =>
    mod.page.evaluate(
      async (doing, what) => {
        const participant = [...(lab.room?.participants.values() ?? [])].find(({ name }) => name === "ada")?.id ?? "";
        await lab.room?.moderate({ kind: doing, participant, source: what });
      },
      kind,
      source,
    );

  it("every step of the start plan is told, in order, and none is skipped", async () => {
    const steps = await ada.run((lab) => lab.room?.steps.map(({ step, outcome }) => `${step} ${outcome}`));
    assert.deepEqual(steps, [
      "create-connection done",
      "open-devices done",
      "create-source done",
      "create-stream done",
      "add-tracks done",
      "open-channel done",
      "create-offer done",
      "wait-answer done",
      "apply-answer done",
      "add-candidates done",
      "wait-connected done",
      "enable-tracks done",
    ]);
  });

  it("a moderator's mute binds: the camera's light goes off, and only a moderator lifts it", async () => {
    await moderate("mute", "camera");
    await moderate("mute", "microphone");
    await mod.says("ada", { camera: "muted by a moderator", microphone: "muted by a moderator" }, 2_000);
    await ada.until(() => lab.captured.every((one) => one.kind === "audio" || one.readyState === "ended"), 2_000);
    const refused = await ada.run((lab) =>
      lab.room?.camera.on().then(
        () => "on",
        (error) => String(error),
      ),
    );
    assert.match(refused ?? "", /auth\/forbidden/);
    await moderate("allow", "camera");
    await moderate("allow", "microphone");
    await mod.says("ada", { camera: "muted by them", microphone: "muted by them" }, 2_000);
    await ada.run(async (lab) => {
      await lab.room?.camera.unmute();
      await lab.room?.microphone.unmute();
    });
    await mod.says("ada", LIVE, 3_000);
  });

  it("what is not a moderator's to do is refused with its code", async () => {
    const outcome = await ada.run((lab) =>
      lab.room?.moderate({ kind: "lock", locked: true }).then(
        () => "done",
        (error) => String(error),
      ),
    );
    assert.match(outcome ?? "", /auth\/forbidden/);
  });

  it("more is live than there are slots: they are added, and nothing else is interrupted", async () => {
    const narrow = await Person.arrive(browser, { server: server.url, page: page.url });
    await narrow.join({ room: "use", name: "narrow", camera: false }, { slots: { audio: 1, video: 1 } });
    await narrow.says("ada", LIVE);
    await narrow.says("mod", LIVE);
    assert.equal((await narrow.run((lab) => lab.opened().connections)).length, 1);
    // Who is added may take its time on a busy machine; what was live before stays so.
    const live = new Set<string>();
    const interrupted: string[] = [];
    for (const { what } of await narrow.notes()) {
      const [track = "", word = ""] = what.split(": ");
      if (word === "live") live.add(track);
      else if (word === "missing" && live.has(track)) interrupted.push(what);
    }
    assert.equal(live.size, 4);
    assert.deepEqual(interrupted, []);
    await narrow.leaveCleanly();
    await ada.until(() => !lab.tiles().some(({ name }) => name === "narrow"));
  });

  it("a video that is shown small is sent small, one that is shown large is sent large", async () => {
    // Two alone would send one encoding each.
    const third = await Person.arrive(browser, { server: server.url, page: page.url });
    await third.join({ room: "use", name: "third", camera: false });
    const widthIs = (least: number, most: number) =>
      mod.page.waitForFunction(
        async (low, high) => {
          const report = await lab.connections.at(-1)?.getStats();
          const widths = [...(report?.values() ?? [])].flatMap(({ type, kind, frameWidth }) =>
            type === "inbound-rtp" && kind === "video" && frameWidth ? [frameWidth] : [],
          );
          return widths.some((width) => width >= low && width <= high);
        },
        // A browser on a starved machine takes its own time to believe in the largest.
        { timeout: 60_000, polling: 250 },
        least,
        most,
      );
    const resize = (css: string) =>
      mod.page.evaluate((size) => {
        const [shown] = document.querySelectorAll("video");
        if (shown) shown.style.cssText = size;
      }, css);
    // A tab that is not in front lays nothing out, and tells no size.
    await mod.page.bringToFront();
    await resize("width:1280px;height:720px;display:block");
    await widthIs(960, 1280);
    await resize("width:160px;height:90px;display:block");
    await widthIs(160, 320);
    await mod.says("ada", LIVE);
    await third.leaveCleanly();
    await ada.until(() => !lab.tiles().some(({ name }) => name === "third"));
  });

  it("who is removed is told so, and everything of theirs is closed", async () => {
    await mod.run(async (lab) => {
      const [participant] = lab.room?.participants.keys() ?? [];
      if (participant) await lab.room?.moderate({ kind: "remove", participant });
    });
    await ada.until(() => lab.notes.some(({ what }) => what === "ended removed true"));
    assert.ok((await ada.notes()).some(({ what }) => what === "removed room/removed"));
    const { tracks, connections } = await ada.run((lab) => lab.opened());
    assert.ok(tracks.every((state) => state === "ended") && connections.every((state) => state === "closed"));
    await mod.leaveCleanly();
  });
});
