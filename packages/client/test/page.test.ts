import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import type { Participant } from "@lodeline/participant";
import type { View } from "@lodeline/protocol";
import { VirtualClock } from "@lodeline/testkit";
import { OwnMedia } from "../src/devices/own-media.ts";
import { PlaceStore } from "../src/page/place-store.ts";
import type { BrowserPeer } from "../src/peer/browser-peer.ts";
import { Commands } from "../src/room/commands.ts";
import { writeReceipt } from "../src/room/teardown-receipt.ts";
import { Views } from "../src/room/views.ts";
import { installGlobal, installMedia, restoreGlobals, settle, track } from "./support/media.ts";

class FakeStorage {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

/** Web Locks of one origin: one holder for each name, the others wait until they give up. */
class FakeLocks {
  readonly held = new Set<string>();
  async request(name: string, _options: { signal: AbortSignal }, hold: () => Promise<void>): Promise<void> {
    if (this.held.has(name)) throw new DOMException("gave up", "AbortError");
    this.held.add(name);
    await hold();
    this.held.delete(name);
  }
}

const PLACE = { room: "blue", participant: "p_1", token: "secret" };

describe("the place of a page", () => {
  after(restoreGlobals);
  let storage: FakeStorage;
  let locks: FakeLocks;
  beforeEach(() => {
    storage = new FakeStorage();
    locks = new FakeLocks();
    installGlobal("navigator", { locks });
  });

  it("[PLACE1] is kept over a reload, for each server and room apart", async () => {
    const before = new PlaceStore(storage, "wss://a");
    await before.keep(PLACE);
    before.release();
    await settle();
    assert.deepEqual(await new PlaceStore(storage, "wss://a").take("blue"), PLACE);
    assert.equal(await new PlaceStore(storage, "wss://a").take("red"), undefined);
    assert.equal(await new PlaceStore(storage, "wss://b").take("blue"), undefined);
    assert.equal(await new PlaceStore(null, "wss://a").take("blue"), undefined);
  });

  it("[PLACE1] nonsense in the storage is no place, and a left room leaves none", async () => {
    const store = new PlaceStore(storage, "wss://a");
    await store.keep(PLACE);
    for (const key of [...storage.items.keys()]) storage.setItem(key, '{"room":"blue","participant":7}');
    assert.equal(await store.take("blue"), undefined);
    for (const key of [...storage.items.keys()]) storage.setItem(key, "{");
    assert.equal(await store.take("blue"), undefined);
    await store.keep(PLACE);
    store.drop("blue");
    assert.equal(storage.items.size, 0);
  });

  it("[PLACE2] is used only by whoever holds its lock", async () => {
    const first = new PlaceStore(storage, "wss://a");
    await first.keep(PLACE);
    const twin = new PlaceStore(storage, "wss://a");
    assert.equal(await twin.take("blue"), undefined);
    first.release();
    await settle();
    assert.deepEqual(await twin.take("blue"), PLACE);
  });

  it("[PLACE3] a join that was not answered is asked again as the same one", async () => {
    const page = () => new PlaceStore(storage, "wss://a");
    assert.equal(page().unheardJoin("blue"), undefined);
    page().beginJoin("blue", "one");
    assert.equal(page().unheardJoin("blue"), "one");
    assert.equal(page().unheardJoin("red"), undefined);
    page().beginJoin("blue", "two");
    assert.equal(page().unheardJoin("blue"), "two", "the last one sent counts");
    await page().keep(PLACE);
    assert.equal(page().unheardJoin("blue"), undefined, "it was answered");
    const none = new PlaceStore(null, "wss://a");
    none.beginJoin("blue", "three");
    assert.equal(none.unheardJoin("blue"), undefined);
  });
});

describe("what a page tells and is told", () => {
  after(restoreGlobals);
  it("[VIEW1] views are told whole, when they change, and within the limits", () => {
    const told: (readonly View[])[] = [];
    const views = new Views((all) => told.push(all));
    views.show("p_1", "camera", { width: 640.4, height: 360, visible: true });
    views.show("p_1", "camera", { width: 640, height: 360 });
    assert.equal(told.length, 1);
    views.show("p_2", "screen", { width: 1e9, height: Number.NaN, visible: false });
    assert.deepEqual(told.at(-1), [
      { publication: "p_1:camera", width: 640, height: 360, visible: true, priority: 0 },
      { publication: "p_2:screen", width: 16_384, height: 0, visible: false, priority: 5 },
    ]);
    views.forget("p_1");
    views.show("p_2", "microphone", { width: 10, height: 10, priority: 99 });
    assert.deepEqual(
      told.at(-1)?.map(({ publication, width, priority }) => [publication, width, priority]),
      [
        ["p_2:screen", 16_384, 5],
        ["p_2:microphone", 0, 9],
      ],
    );
  });

  it("[CMD1] a command settles with its own answer, or with timeout", async () => {
    const clock = new VirtualClock();
    const listeners = new Set<(event: { id: string; error: LodelineError | undefined }) => void>();
    const participant = {
      on: (
        _: string,
        listener: (event: { id: string; error: LodelineError | undefined }) => void,
        { signal }: { signal: AbortSignal },
      ) => {
        listeners.add(listener);
        signal.addEventListener("abort", () => listeners.delete(listener));
      },
    } as unknown as Participant;
    const answer = (id: string, error?: LodelineError) => {
      for (const listener of [...listeners]) listener({ id, error });
    };
    const commands = new Commands(participant, clock, 10_000);
    const outcomes = ["a", "b", "c"].map((id) =>
      commands.answered(id).then(
        () => `${id} done`,
        (error: LodelineError) => `${id} ${error.code}`,
      ),
    );
    answer("b", new LodelineError("auth/forbidden"));
    answer("a");
    clock.advance(9_999);
    assert.equal(listeners.size, 1);
    clock.advance(1);
    assert.deepEqual(await Promise.all(outcomes), ["a done", "b auth/forbidden", "c timeout"]);
    assert.equal(listeners.size, 0);
  });

  it("[RECEIPT1] a receipt is clean only when everything is closed, and names what is left", async () => {
    installMedia();
    const media = new OwnMedia();
    await media.sources.camera.open();
    const connection = { connectionState: "closed" };
    const channel = { label: "lodeline", readyState: "closed" };
    const copy = track("video", "copy");
    const peer = {
      spec: { session: "s_1" },
      connection: {
        connection,
        channel,
        tracks: { records: () => [{ source: "camera", id: copy.id, readyState: copy.readyState }] },
      },
    } as unknown as BrowserPeer;
    const write = () => writeReceipt({ reason: "left", durationMs: 5, media, peers: [peer], sessions: [], timers: 0 });
    const camera = media.records()[0]?.id;
    assert.deepEqual([write().clean, write().left], [false, [`track:camera:${camera}`, "track:camera:copy"]]);
    await media.close();
    copy.stop();
    assert.deepEqual([write().clean, write().left], [true, []]);
    channel.readyState = "closing";
    connection.connectionState = "connected";
    assert.deepEqual(write().left, ["channel:lodeline", "connection:s_1"]);
  });
});
