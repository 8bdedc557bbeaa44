import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type BrowserName, type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

describe("calls and mesh rooms", { timeout: 240_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  const browsers = new Map<BrowserName, LaunchedBrowser>();

  before(async () => {
    [server, page] = await Promise.all([startServer(), serveSdkPage()]);
    for (const name of ["chromium", "firefox"] as const) browsers.set(name, await launch(name));
  });
  after(async () => {
    await Promise.all([...browsers.values()].map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  const arrive = (name: BrowserName) =>
    Person.arrive(browsers.get(name) ?? assert.fail(), { server: server.url, page: page.url });

  /** Asserts that a call's sound and picture are played and go on being played. */
  async function plays(person: Person): Promise<void> {
    await person.until(() => lab.call?.receiving.audio && lab.call.receiving.video);
    await playsMore(person, 30);
  }

  /** Waits until so many frames more were decoded, and some sound with them. */
  async function playsMore(person: Person, frames: number): Promise<void> {
    const played = async () => {
      const rows = await person.arrived();
      const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
      return { frames: sum((row) => row.framesDecoded), energy: sum((row) => row.audioEnergy) };
    };
    const before = await played();
    await until(
      `${frames} frames more, and sound`,
      played,
      (now) => now.frames >= before.frames + frames && now.energy > before.energy,
      20_000,
    );
  }

  async function allClosed(person: Person): Promise<void> {
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

  for (const name of ["chromium", "firefox"] as const) {
    it(`${name} calls the server peer and hears and sees itself`, async () => {
      const ada = await arrive(name);
      await ada.connect("ada");
      await ada.run(async (lab) => {
        const call = await lab.client?.call("lodeline-server", { audio: true, video: true });
        if (call) lab.follow(call);
      });
      await plays(ada);
      const receipt = await ada.run(async (lab) => lab.call?.hangup());
      assert.deepEqual([receipt?.reason, receipt?.clean, receipt?.left], ["hangup", true, []]);
      assert.equal(receipt?.steps.length, 7);
      const notes = (await ada.notes()).map(({ what }) => what);
      assert.ok(notes.indexOf("active") < notes.indexOf("disposed"), `${notes}`);
      await allClosed(ada);
      await ada.page.close();
    });
  }

  it("a call between two browsers rings, is taken, carries data, and ends on both sides", async () => {
    const [ada, fay] = [await arrive("chromium"), await arrive("firefox")];
    await ada.connect("ada");
    const identity = await fay.connect("fay");
    await ada.page.evaluate(async (to) => {
      const call = await lab.client?.call(to, { audio: true, video: true });
      if (call) lab.follow(call);
    }, identity ?? "");
    await fay.until(() => lab.call?.state === "IncomingInit");
    await fay.run((lab) => lab.call?.accept({ audio: true, video: true }));
    await Promise.all([plays(ada), plays(fay)]);
    await ada.run((lab) => lab.call?.send("hello"));
    await fay.until(() => lab.notes.some(({ what }) => what === "message hello"));
    const receipt = await ada.run(async (lab) => lab.call?.hangup());
    assert.deepEqual([receipt?.reason, receipt?.left], ["hangup", []]);
    await fay.until(() => lab.notes.some(({ what }) => what === "call ended hangup true"));
    await Promise.all([allClosed(ada), allClosed(fay)]);
    await Promise.all([ada.page.close(), fay.page.close()]);
  });

  it("two who call each other at once get one call", async () => {
    const [ada, ben] = [await arrive("chromium"), await arrive("chromium")];
    const ids = [await ada.connect("ada"), await ben.connect("ben")];
    const call = (from: Person, to: string | undefined) =>
      from.page.evaluate(async (identity) => {
        const made = await lab.client?.call(identity, { audio: true, video: true });
        if (made) lab.follow(made);
      }, to ?? "");
    await Promise.all([call(ada, ids[1]), call(ben, ids[0])]);
    for (const one of [ada, ben]) await one.until(() => lab.call?.state === "Active");
    const sessions = await Promise.all(
      [ada, ben].map((one) => one.run((lab) => [...(lab.client?.calls.keys() ?? [])])),
    );
    assert.deepEqual(sessions[0], sessions[1]);
    assert.equal(sessions[0]?.length, 1);
    await Promise.all([plays(ada), plays(ben)]);
    await ben.run(async (lab) => lab.call?.hangup());
    await ada.until(() => lab.notes.some(({ what }) => what === "call ended hangup true"));
    await Promise.all([allClosed(ada), allClosed(ben)]);
    await Promise.all([ada.page.close(), ben.page.close()]);
  });

  it("a call to nobody ends as unreachable", async () => {
    const ada = await arrive("chromium");
    await ada.connect("ada");
    await ada.run(async (lab) => {
      const call = await lab.client?.call("nobody-here", { audio: true });
      if (call) lab.follow(call);
    });
    await ada.until(() => lab.notes.some(({ what }) => what.startsWith("call ended unreachable")));
    await ada.page.close();
  });

  it("two browsers in a mesh room see and hear each other", async () => {
    const [ada, fay] = [await arrive("chromium"), await arrive("firefox")];
    await ada.join({ room: "mesh", name: "ada", topology: "mesh" });
    await fay.join({ room: "mesh", name: "fay", topology: "mesh" });
    await ada.says("fay", { microphone: "live", camera: "live" });
    await fay.says("ada", { microphone: "live", camera: "live" });
    await Promise.all([playsMore(ada, 100), playsMore(fay, 100)]);
    for (const one of [ada, fay]) {
      const rows = await one.run((lab) => lab.room?.ledger().map((row) => row.standing) ?? []);
      assert.deepEqual(rows, ["received", "received", "received", "received"]);
    }
    await ada.leaveCleanly();
    await fay.leaveCleanly();
  });
});
