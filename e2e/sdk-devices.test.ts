import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const FAKE_DEVICE = "--use-fake-device-for-media-stream";

describe("devices that fail, and a shared tab", { timeout: 180_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let watcherBrowser: LaunchedBrowser;
  let watcher: Person;

  before(async () => {
    [server, page, watcherBrowser] = await Promise.all([startServer(), serveSdkPage(), launch("chromium")]);
    watcher = await Person.arrive(watcherBrowser, { server: server.url, page: page.url });
    await watcher.join({ room: "devices", name: "watcher" });
  });
  after(async () => {
    await watcherBrowser.close();
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  async function within(args: readonly string[], fn: (person: Person, browser: LaunchedBrowser) => Promise<void>) {
    await using browser = await launch("chromium", { fakeMedia: false, args });
    await fn(await Person.arrive(browser, { server: server.url, page: page.url }), browser);
  }

  for (const [what, args, code, microphone] of [
    ["refused devices", [FAKE_DEVICE, "--deny-permission-prompts"], "device/denied", "never sent"],
    ["missing devices", ["--use-fake-ui-for-media-stream"], "device/missing", "never sent"],
    ["a missing camera", ["--use-fake-ui-for-media-stream", `${FAKE_DEVICE}=device-count=0`], "device/missing", "live"],
  ] as const) {
    it(`${what}: the room is joined all the same, and the reason is told`, async () => {
      await within(args, async (person) => {
        await person.join({ room: "devices", name: "listener" });
        await person.says("watcher", { microphone: "live", camera: "live" });
        await watcher.says("listener", { microphone, camera: "never sent" });
        const own = await person.run((lab) => [
          lab.room?.camera.state,
          lab.room?.camera.problem?.code,
          lab.room?.camera.problem?.advice,
        ]);
        assert.deepEqual(own.slice(0, 2), ["failed", code]);
        assert.ok((own[2]?.length ?? 0) > 20, "the advice is a sentence");
        const again = await person.run((lab) =>
          lab.room?.camera.on().then(
            () => "on",
            (error) => String(error),
          ),
        );
        assert.match(again ?? "", new RegExp(code));
        await person.leaveCleanly();
      });
    });
  }

  it("devices that end are told apart, and others read that nothing is sent", async () => {
    await within([FAKE_DEVICE], async (person, { browser }) => {
      const { origin } = new URL(page.url);
      await browser.defaultBrowserContext().overridePermissions(origin, ["camera", "microphone"]);
      await person.join({ room: "devices", name: "unplugged" });
      await watcher.says("unplugged", { microphone: "live", camera: "live" });
      const session = await person.page.createCDPSession();
      const permit = async (setting: "granted" | "denied" | "prompt") => {
        for (const name of ["camera", "microphone"])
          await session.send("Browser.setPermission", { permission: { name }, setting, origin });
      };
      const problems = () =>
        person.run(({ room }) => [room?.camera.problem, room?.microphone.problem].map((one) => one?.code ?? "none"));
      const backByOneAction = async () => {
        await permit("granted");
        await person.run(async (lab) => {
          await lab.room?.camera.on();
          await lab.room?.microphone.on();
        });
        await watcher.says("unplugged", { microphone: "live", camera: "live" }, 3_000);
        assert.deepEqual(await problems(), ["none", "none"]);
      };
      // Chromium ends capture for any permission that is no longer given; one that may be asked for again was not refused.
      for (const [setting, code] of [
        ["denied", "device/denied"],
        ["prompt", "device/ended"],
      ] as const) {
        await permit(setting);
        await watcher.says("unplugged", { microphone: "never sent", camera: "never sent" }, 2_000);
        assert.equal(await person.run((lab) => lab.room?.camera.state), "failed");
        // What the permission has become is asked for once the track has ended.
        await until("both say why", problems, (codes) => codes.every((one) => one === code));
        // A refusal may be seen after the end that it caused, and is told then.
        await permit("denied");
        await until("both say that they are refused", problems, (codes) =>
          codes.every((one) => one === "device/denied"),
        );
        await backByOneAction();
      }
      assert.ok((await person.notes()).some(({ what }) => what === "device camera works"));
      await person.run(async (lab) => {
        await lab.room?.camera.off();
        const { mediaDevices } = navigator;
        const { getUserMedia } = mediaDevices;
        mediaDevices.getUserMedia = () => {
          mediaDevices.getUserMedia = getUserMedia;
          return Promise.reject(new DOMException("Another program has it.", "NotReadableError"));
        };
        await lab.room?.camera.on().catch(() => {});
      });
      assert.deepEqual(await problems(), ["device/busy", "none"]);
      await watcher.says("unplugged", { microphone: "live", camera: "never sent" }, 2_000);
      await backByOneAction();
      await person.leaveCleanly();
    });
  });

  it("a screen share that the browser ends is over for everybody within a second", async () => {
    await within(["--auto-select-tab-capture-source-by-title=Shared"], async (person, { browser }) => {
      const shared = await browser.newPage();
      await shared.goto(page.url);
      await shared.evaluate(() => {
        document.title = "Shared";
        setInterval(() => {
          document.body.textContent = String(performance.now());
        }, 50);
      });
      await person.page.bringToFront();
      await person.join({ room: "devices", name: "sharer", camera: false, microphone: false });
      await watcher.until(() => lab.tiles().some(({ name }) => name === "sharer"));
      await person.run((lab) => lab.room?.screen.start());
      assert.equal(await person.run((lab) => lab.room?.screen.state), "live");
      const shownMs = await watcher.says("sharer", { screen: "live" }, 5_000);
      assert.ok(shownMs < 3_000, `shown after ${shownMs} ms`);
      // Both are Chromium, which can do AV1: its text comes in that.
      await until(
        "a screen in AV1",
        () => decodedCodecs(watcher),
        (codecs) => codecs.includes("video/AV1"),
        10_000,
      );
      // What the browser's own "stop sharing" does to the page: the track ends without being asked.
      await shared.close();
      const overMs = await watcher.says("sharer", { screen: "never sent" }, 5_000);
      assert.ok(overMs < 3_000, `over after ${overMs} ms`);
      assert.equal(await person.run((lab) => lab.room?.screen.state), "off");
      assert.deepEqual(await person.run((lab) => lab.opened().tracks.filter((state) => state !== "ended")), []);
      await person.leaveCleanly();
    });
  });

  it("leaving the page ends every capture", async () => {
    await within([FAKE_DEVICE, "--use-fake-ui-for-media-stream"], async (person) => {
      await person.join({ room: "devices", name: "goer" });
      await watcher.says("goer", { microphone: "live", camera: "live" });
      const left = await person.page.evaluate(() => {
        dispatchEvent(new PageTransitionEvent("pagehide"));
        return lab.opened();
      });
      assert.deepEqual([...new Set(left.tracks)], ["ended"]);
      assert.deepEqual(left.connections, ["closed"]);
    });
  });
});

/** Codecs of the videos of which a person has decoded frames. */
function decodedCodecs(person: Person): Promise<string[]> {
  return person.run(async (lab) => {
    const codecs: string[] = [];
    for (const connection of lab.connections) {
      if (connection.connectionState === "closed") continue;
      const stats = await connection.getStats();
      for (const entry of stats.values())
        if (entry.type === "inbound-rtp" && entry.framesDecoded > 0) codecs.push(stats.get(entry.codecId)?.mimeType);
    }
    return codecs;
  });
}
