import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { watchSignals } from "../src/signals.ts";

describe("signals", () => {
  function watched() {
    const source = new EventEmitter();
    const heard: string[] = [];
    const time = { nowMs: 0 };
    const watching = watchSignals(
      { first: (signal) => heard.push(`first ${signal}`), second: (signal) => heard.push(`second ${signal}`) },
      source,
      () => time.nowMs,
    );
    return { source, heard, time, watching };
  }

  it("[SIG1] end in order first and at once then", () => {
    const { source, heard, time } = watched();
    source.emit("SIGINT");
    time.nowMs = 300;
    source.emit("SIGTERM");
    assert.deepEqual(heard, ["first SIGINT", "second SIGTERM"]);
  });

  it("[SIG1] take one key press that arrives twice for one", () => {
    const { source, heard, time } = watched();
    source.emit("SIGINT");
    time.nowMs = 299;
    source.emit("SIGINT");
    assert.deepEqual(heard, ["first SIGINT"]);
  });

  it("[SIG1] are no longer heard afterwards", () => {
    const { source, watching } = watched();
    watching[Symbol.dispose]();
    assert.equal(source.listenerCount("SIGINT") + source.listenerCount("SIGTERM") + source.listenerCount("SIGHUP"), 0);
  });
});
