import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { watchPage } from "../src/page/page-life.ts";
import { installGlobal, restoreGlobals } from "./support/media.ts";

describe("the life of a page", () => {
  after(restoreGlobals);

  it("[LIFE1] tells apart that it goes, that it is shown again, and that the network changed", () => {
    const { page, network, told, watching } = watched();
    page.dispatchEvent(new Event("online"));
    page.dispatchEvent(new Event("pageshow"));
    page.dispatchEvent(new Event("visibilitychange"));
    page.dispatchEvent(new Event("pagehide"));
    assert.deepEqual(told.splice(0), ["network", "awake", "awake", "leaving"]);
    network.dispatchEvent(new Event("change"));
    assert.deepEqual(told, [], "another estimate of its speed is no other network");
    network.type = "cellular";
    network.dispatchEvent(new Event("change"));
    network.dispatchEvent(new Event("change"));
    assert.deepEqual(told.splice(0), ["network"]);
    watching[Symbol.dispose]();
    network.type = "wifi";
    for (const name of ["online", "pageshow", "pagehide", "visibilitychange"]) page.dispatchEvent(new Event(name));
    network.dispatchEvent(new Event("change"));
    assert.deepEqual(told, []);
  });
});

function watched() {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const network = Object.assign(new EventTarget(), { type: "wifi" });
  installGlobal("window", page);
  installGlobal("document", page);
  installGlobal("navigator", { connection: network });
  const told: string[] = [];
  const watching = watchPage({
    leaving: () => told.push("leaving"),
    awake: () => told.push("awake"),
    networkChanged: () => told.push("network"),
  });
  return { page, network, told, watching };
}
