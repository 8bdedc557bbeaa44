import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

describe("joins and rooms that end badly", { timeout: 120_000 }, () => {
  let page: SdkPage;
  let browser: LaunchedBrowser;

  before(async () => {
    [page, browser] = await Promise.all([serveSdkPage(), launch("chromium")]);
  });
  after(async () => {
    await browser.close();
    await page[Symbol.asyncDispose]();
  });

  const arrive = (server: string) => Person.arrive(browser, { server, page: page.url });

  async function nothingIsLeft(person: Person): Promise<void> {
    const { tracks, connections } = await person.run((lab) => lab.opened());
    assert.ok(
      tracks.every((state) => state === "ended"),
      `tracks: ${tracks}`,
    );
    assert.ok(
      connections.every((state) => state === "closed"),
      `connections: ${connections}`,
    );
  }

  it("no server answers: the join says so and releases the camera", async () => {
    const ada = await arrive("http://127.0.0.1:9");
    const outcome = await ada.run((lab) =>
      lab
        .open({ url: "http://127.0.0.1:9", timers: { commandMs: 1_500 } })
        .join({ room: "r", name: "ada", camera: true, microphone: true })
        .then(
          () => "joined",
          (error) => `${error.code} ${error.retry}`,
        ),
    );
    assert.equal(outcome, "link/lost backoff");
    await nothingIsLeft(ada);
    await ada.page.close();
  });

  it("a token that is none is refused with its reason", async () => {
    await using server = await startServer();
    const ada = await arrive(server.url);
    const outcome = await ada.page.evaluate(
      (url) =>
        lab
          .open({ url, token: "nonsense" })
          .join({ room: "r", name: "ada", camera: true })
          .then(
            () => "joined",
            (error) => `${error.code} ${error.retry}`,
          ),
      server.url,
    );
    assert.equal(outcome, "auth/token-malformed ask-person");
    await nothingIsLeft(ada);
    await ada.page.close();
  });

  it("a join given up at any moment leaves nothing open and nobody in the room", async () => {
    await using server = await startServer();
    const ada = await arrive(server.url);
    const outcomes = await ada.page.evaluate(async (url) => {
      const client = lab.open({ url });
      const seen: string[] = [];
      for (const afterMs of [0, 10, 30, 60, 100, 150, 250]) {
        const given = new AbortController();
        setTimeout(() => given.abort(), afterMs);
        const wish = { room: "r", name: "ada", camera: true, microphone: true, signal: given.signal };
        const outcome = await client.join(wish).then(
          (room) => new Promise<string>((resolve) => room.on("ended", ({ reason }) => resolve(`left ${reason}`))),
          (error) => String(error.code),
        );
        seen.push(outcome);
      }
      return seen;
    }, server.url);
    assert.ok(
      outcomes.every((one) => one === "aborted" || one === "left aborted"),
      `${outcomes}`,
    );
    assert.equal(outcomes[0], "aborted");
    await nothingIsLeft(ada);
    await ada.until(() => lab.room === undefined);
    // The page does not wait for the server's answer when it gives up.
    await until(
      "nobody is in the room",
      () => server.status().participants,
      (participants) => participants === 0,
    );
    await ada.page.close();
  });

  it("leaving while the server cannot be reached is quick and clean all the same", async () => {
    await using server = await startServer();
    const ada = await arrive(server.url);
    await ada.join({ room: "r", name: "ada" });
    await ada.until(() => lab.room?.connection.media === "active");
    await ada.run((lab) => {
      const Original = WebSocket;
      globalThis.WebSocket = class extends Original {
        constructor() {
          super("ws://127.0.0.1:9/");
        }
      };
      lab.sockets.at(-1)?.close(4000);
    });
    await ada.until(() => lab.room?.connection.link === "interrupted");
    const [tookMs, clean] = await ada.run(async (lab) => {
      const began = performance.now();
      const receipt = await lab.room?.leave();
      return [performance.now() - began, receipt?.clean] as const;
    });
    assert.equal(clean, true);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
    await nothingIsLeft(ada);
    await ada.page.close();
  });

  it("a server that comes back, with another key, finds everybody in the room again", async () => {
    const first = await startServer();
    const port = Number(new URL(first.url).port);
    const ada = await arrive(first.url);
    const ben = await arrive(first.url);
    await ada.join({ room: "r", name: "ada" });
    await ben.join({ room: "r", name: "ben" });
    await ada.until(() => lab.tiles().length === 1);
    await first.close();
    await ada.until(() => lab.client?.link !== "open");
    await using second = await startServer({ port });
    await ada.until(() => lab.room?.connection.link === "open" && lab.tiles().length === 1, 20_000);
    await ada.says("ben", { microphone: "live", camera: "live" });
    await ben.says("ada", { microphone: "live", camera: "live" });
    assert.equal(second.status().participants, 2);
    await ada.leaveCleanly();
    await ben.leaveCleanly();
  });
});
