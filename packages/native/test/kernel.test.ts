import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, it } from "node:test";
import { EVENT_HEAD, KERNEL_EVENT, type KernelBinding, loadKernel, NO_ID } from "@lodeline/native";

const { binding, why } = loadKernel();
const skip = binding === undefined ? `not built here: ${why}` : false;

describe("the packet kernel's calls", { skip }, () => {
  const native = binding as KernelBinding;
  const open = () => native.create(() => {}, new Uint8Array(1 << 17), 0);

  it("refuse what is no kernel, and memory that is too small", () => {
    assert.throws(() => native.flush({} as never), TypeError);
    assert.throws(() => native.create(() => {}, new Uint8Array(100), 0));
  });

  it("answer nothing of objects that are gone or never were", () => {
    const kernel = open();
    const keys = new Uint8Array(64);
    const session = native.openSession(kernel, keys, new Uint8Array(48));
    assert.ok(session >= 0);
    native.closeSession(kernel, session);
    assert.equal(native.receive(kernel, session, new Uint8Array(40), 0), 0);
    assert.equal(native.sendRtp(kernel, session, new Uint8Array(40), 12, 0, 0), 0);
    const next = native.openSession(kernel, keys, new Uint8Array(48));
    assert.notEqual(next, session, "its number is not given again at once");
    for (const id of [session, 12_345, -5]) {
      native.unbindStream(kernel, id);
      native.closeLeg(kernel, id);
      native.closeGroup(kernel, id);
      native.closePort(kernel, id);
      native.setTarget(kernel, id, 1, 96, 97);
      native.setCurrent(kernel, id, 1, 96, 97, 1);
    }
    native.close(kernel);
    native.close(kernel);
    assert.equal(native.openSession(kernel, keys, new Uint8Array(48)), NO_ID, "nothing after the end");
  });

  it("refuse keys and records of a wrong length", () => {
    const kernel = open();
    assert.equal(native.openSession(kernel, new Uint8Array(60), new Uint8Array(48)), NO_ID);
    const session = native.openSession(kernel, new Uint8Array(128), new Uint8Array(48));
    assert.ok(session >= 0, "keys of 256 bits");
    const group = native.openGroup(kernel);
    const short = new Float64Array(native.slotFields - 1);
    assert.equal(native.openLeg(kernel, group, session, short, 1, 2, 90_000), NO_ID);
    assert.equal(native.bindStream(kernel, session, new Float64Array(1), 7, 96, 1, 90_000, 0, group), NO_ID);
    native.close(kernel);
  });

  it("open a socket on a free port, and tell why not on a taken one", () => {
    const kernel = open();
    const first = native.openPort(kernel, "127.0.0.1", 0, 65_536);
    const port = native.portNumber(kernel, first);
    assert.ok(port > 0);
    assert.ok(native.openPort(kernel, "127.0.0.1", port, 65_536) < -1, "in use");
    assert.ok(native.openPort(kernel, "no address", 0, 65_536) < -1);
    native.close(kernel);
  });

  it("tell of each datagram when the system got it, though both are read in one go", async () => {
    const memory = new Uint8Array(1 << 17);
    const told = Promise.withResolvers<void>();
    const kernel = native.create(() => told.resolve(), memory, 0);
    const port = native.openPort(kernel, "127.0.0.1", 0, 65_536);
    const sender = createSocket("udp4").unref();
    await new Promise<void>((resolve) => sender.connect(native.portNumber(kernel, port), "127.0.0.1", resolve));
    // In one turn of the event loop: nothing is read in between.
    sender.send("one");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 80);
    sender.send("two");
    await told.promise;
    sender.close();
    const view = new DataView(memory.buffer);
    const times: number[] = [];
    for (let at = 0; at < native.eventBytes(kernel); at += view.getUint32(at + EVENT_HEAD.totalBytes, true)) {
      assert.equal(view.getUint16(at + EVENT_HEAD.kind, true), KERNEL_EVENT.datagram);
      times.push(view.getFloat64(at + EVENT_HEAD.atMs, true));
    }
    assert.equal(times.length, 2);
    const apart = (times[1] as number) - (times[0] as number);
    native.close(kernel);
    assert.ok(apart > 50, `${apart} ms apart`);
  });
});
