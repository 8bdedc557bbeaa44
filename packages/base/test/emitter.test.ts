import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Emitter } from "@lodeline/base";

interface Events {
  readonly said: string;
  readonly counted: number;
}

describe("Emitter", () => {
  it("[BASE9] calls in the order of subscription, the same function twice twice", () => {
    const emitter = new Emitter<Events>();
    const heard: string[] = [];
    const first = (text: string) => heard.push(`1 ${text}`);
    emitter.on("said", first);
    emitter.on("said", (text) => heard.push(`2 ${text}`));
    emitter.on("said", first);
    emitter.emit("said", "a");
    emitter.emit("counted", 1);
    assert.deepEqual(heard, ["1 a", "2 a", "1 a"]);
    assert.equal(emitter.listenerCount("said"), 3);
    assert.equal(emitter.listenerCount(), 3);
  });

  it("[BASE10] forgets a disposed listener and leaves nothing on its signal", () => {
    const emitter = new Emitter<Events>();
    const listeners = new Set<unknown>();
    const signal = {
      aborted: false,
      addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
      removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
    };
    let heard = 0;
    {
      using listening = emitter.on("said", () => heard++, { signal });
      emitter.emit("said", "a");
      assert.equal(listeners.size, 1);
      assert.ok(listening);
    }
    emitter.emit("said", "b");
    assert.equal(heard, 1);
    assert.equal(listeners.size, 0);
    assert.equal(emitter.listenerCount(), 0);
  });

  it("[BASE10] forgets when the signal is aborted, and never adds when it was already", () => {
    const emitter = new Emitter<Events>();
    const control = new AbortController();
    let heard = 0;
    emitter.on("said", () => heard++, { signal: control.signal });
    emitter.emit("said", "a");
    control.abort();
    emitter.emit("said", "b");
    const late = emitter.on("said", () => heard++, { signal: control.signal });
    emitter.emit("said", "c");
    late[Symbol.dispose]();
    assert.equal(heard, 1);
    assert.equal(emitter.listenerCount(), 0);
  });

  it("[BASE10] clear removes all", () => {
    const emitter = new Emitter<Events>();
    emitter.on("said", () => assert.fail());
    emitter.clear();
    emitter.emit("said", "a");
    assert.equal(emitter.listenerCount(), 0);
  });

  it("[BASE11] calls the others although one throws, and tells onError", () => {
    const errors: unknown[] = [];
    const emitter = new Emitter<Events>((error) => errors.push(error));
    const heard: number[] = [];
    emitter.on("counted", () => {
      throw new Error("mine");
    });
    emitter.on("counted", (n) => heard.push(n));
    emitter.emit("counted", 7);
    assert.deepEqual(heard, [7]);
    assert.deepEqual(
      errors.map((error) => (error as Error).message),
      ["mine"],
    );
  });

  it("[BASE12] does not tell an event to whoever was added by it", () => {
    const emitter = new Emitter<Events>();
    let late = 0;
    emitter.on("said", () => emitter.on("said", () => late++));
    emitter.emit("said", "a");
    assert.equal(late, 0);
    emitter.emit("said", "b");
    assert.equal(late, 1);
  });
});
