import assert from "node:assert/strict";
import { hkdfSync, pbkdf2Sync } from "node:crypto";
import { describe, it } from "node:test";
import { LodelineError, seededRandom } from "@lodeline/base";
import {
  type Bytes,
  CIPHER_SUITES,
  chainOf,
  DecryptionState,
  FrameSender,
  KeyStore,
  kidOf,
  MAX_STEP,
  type Opened,
  PASSPHRASE_ITERATIONS,
  parseHeader,
  parseKid,
  passphraseKey,
  SenderKeys,
  senderBaseKey,
} from "@lodeline/sframe";
import { hex } from "./vectors.ts";

const { subtle } = globalThis.crypto;
const suite = CIPHER_SUITES.AES_128_GCM_SHA256_128;
const SHARED = new Uint8Array(32).fill(7);
const OTHER = new Uint8Array(32).fill(8);
const MIC = Uint8Array.of(1);
const CAMERA = Uint8Array.of(2);
const SOUND = Uint8Array.of(0x78, 1, 2, 3, 4, 5);

async function sender(keyId = 0, shared: Bytes = SHARED, participant = "ada", seed = 1): Promise<FrameSender> {
  const made = new FrameSender({ subtle, suite, random: seededRandom(seed) });
  await made.use(keyId, shared, participant);
  return made;
}

function store(...keys: readonly (readonly [number, Bytes])[]): KeyStore {
  const made = new KeyStore();
  for (const [id, key] of keys) made.set(id, key);
  return made;
}

function receiver(keys: KeyStore = store([0, SHARED]), participant = "ada"): SenderKeys {
  return new SenderKeys(subtle, suite, keys, participant);
}

async function opens(keys: SenderKeys, frame: Bytes, label = MIC): Promise<Opened["kind"]> {
  return (await keys.open("opus", label, frame)).kind;
}

describe("a sender's key", () => {
  it("[KEY1] differs by sender, draw, step and shared key", async () => {
    const frames = await Promise.all([
      sender(0, SHARED, "ada", 1),
      sender(0, SHARED, "ada", 2),
      sender(0, SHARED, "bob", 1),
      sender(0, OTHER, "ada", 1),
    ]).then((all) => Promise.all(all.map((one) => one.protect("opus", MIC, new Uint8Array(32)))));
    const ratcheted = await sender();
    await ratcheted.ratchet();
    frames.push(await ratcheted.protect("opus", MIC, new Uint8Array(32)));
    const streams = frames.map((frame) => hex(frame.subarray(parseHeader(frame).lengthBytes)));
    assert.equal(new Set(streams).size, streams.length);
  });

  it("[KEY2] begins at 0 under another KID each time it is taken", async () => {
    const ada = await sender();
    const first = await ada.protect("opus", MIC, SOUND);
    await ada.use(0, SHARED, "ada");
    const second = await ada.protect("opus", MIC, SOUND);
    assert.equal(parseHeader(first).ctr, 0n);
    assert.equal(parseHeader(second).ctr, 0n);
    assert.notEqual(parseHeader(first).kid, parseHeader(second).kid);
    assert.notEqual(hex(first.subarray(8)), hex(second.subarray(8)));
  });

  it("[KEY2] gives each frame of all sources another number, also at once", async () => {
    const ada = await sender();
    const frames = await Promise.all(
      Array.from({ length: 50 }, (_, i) => ada.protect("opus", i % 2 ? MIC : CAMERA, SOUND)),
    );
    assert.equal(new Set(frames.map((frame) => parseHeader(frame).ctr)).size, 50);
  });

  it("[KEY3] from a passphrase is one, in Unicode's form NFKC, and bound to the room", async () => {
    const key = hex(await passphraseKey(subtle, "caf\u00e9 ﬁve", "standup"));
    assert.equal(key, hex(await passphraseKey(subtle, "cafe\u0301 five", "standup")));
    assert.notEqual(key, hex(await passphraseKey(subtle, "caf\u00e9 five", "standup2")));
    // By another implementation, as whoever writes another client would.
    const salt = Buffer.from("Lodeline 1.0 room standup");
    assert.equal(key, pbkdf2Sync("caf\u00e9 five", salt, PASSPHRASE_ITERATIONS, 32, "sha256").toString("hex"));
    const info = Buffer.from("Lodeline 1.0 sender p-\u00e9");
    const senderKey = Buffer.from(hkdfSync("sha256", SHARED, Buffer.alloc(0), info, 32)).toString("hex");
    assert.equal(hex(await senderBaseKey(subtle, SHARED, "p-\u00e9")), senderKey);
  });

  it("[KEY4] is followed over one step and over many, and not back", async () => {
    const ada = await sender();
    const keys = receiver();
    const old = await ada.protect("opus", MIC, SOUND);
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "ok");
    await ada.ratchet();
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "ok");
    // Of the step before, under way still.
    assert.equal(await opens(keys, old), "ok");
    const given = await ada.protect("opus", MIC, SOUND);
    for (let i = 0; i < 20; i++) await ada.ratchet();
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "ok");
    await ada.ratchet();
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "ok");
    assert.equal(await opens(keys, given), "replayed");
    // Who comes later gets there as well.
    assert.equal(await opens(receiver(), await ada.protect("opus", MIC, SOUND)), "ok");
  });

  it("[KEY4] has a last step", async () => {
    const ada = await sender();
    for (let i = 0; i < MAX_STEP; i++) await ada.ratchet();
    await assert.rejects(ada.ratchet(), hasCode("encryption/exhausted"));
    assert.equal(await opens(receiver(), await ada.protect("opus", MIC, SOUND)), "ok");
  });

  it("[KEY5] chains are two; an older one is not taken again", async () => {
    const ada = await sender();
    const keys = receiver();
    const first = [await ada.protect("opus", MIC, SOUND), await ada.protect("opus", MIC, SOUND)] as const;
    assert.equal(await opens(keys, first[0]), "ok");
    for (let i = 0; i < 2; i++) {
      await ada.use(0, SHARED, "ada");
      assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "ok");
    }
    assert.equal(await opens(keys, first[1]), "replayed");
  });

  it("[KEY5] a flood of KIDs that nothing authentic comes under moves none that is known", async () => {
    const ada = await sender();
    const mallory = await sender(0, OTHER, "ada", 99);
    const keys = receiver();
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "ok");
    for (let i = 0; i < 40; i++) {
      await mallory.use(0, OTHER, "ada");
      assert.equal(await opens(keys, await mallory.protect("opus", MIC, SOUND)), "wrong-key");
    }
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "ok");
  });

  it("[KEY6] that is replaced is of no use; set again as it is it goes on", async () => {
    const ada = await sender();
    const shared = store([0, SHARED]);
    const keys = receiver(shared);
    const once = await ada.protect("opus", MIC, SOUND);
    assert.equal(await opens(keys, once), "ok");
    shared.set(0, SHARED);
    assert.equal(await opens(keys, once), "replayed");
    shared.set(0, OTHER);
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "wrong-key");
    shared.delete(0);
    assert.equal(await opens(keys, await ada.protect("opus", MIC, SOUND)), "missing-key");
  });

  it("[KEY6] 16 are kept, the oldest goes", () => {
    const shared = new KeyStore();
    for (let id = 0; id < 17; id++) shared.set(id, SHARED);
    assert.equal(shared.get(0), undefined);
    assert.ok(shared.get(1) && shared.get(16));
    assert.throws(() => shared.set(256, SHARED), TypeError);
    assert.throws(() => shared.set(0, new Uint8Array(15)), TypeError);
  });

  it("[KEY7] that is not there encrypts nothing", async () => {
    const none = new FrameSender({ subtle, suite, random: seededRandom(1) });
    await assert.rejects(none.protect("opus", MIC, SOUND), hasCode("encryption/missing-key"));
    await assert.rejects(none.ratchet(), hasCode("encryption/missing-key"));
    assert.throws(() => none.use(256, SHARED, "ada"), TypeError);
  });

  it("[KEY1] is named by its KID", () => {
    const name = { keyId: 3, draw: 0xab_cdef_0123n, step: 9 };
    assert.deepEqual(parseKid(kidOf(name)), name);
    assert.equal(chainOf(kidOf(name)), chainOf(kidOf({ ...name, step: 10 })));
    assert.equal(parseKid(1n << 63n), undefined);
  });
});

describe("a receiver", () => {
  it("[OPEN1] takes a frame once, in any order within the window", async () => {
    const ada = await sender();
    const keys = receiver();
    const frames: Bytes[] = [];
    for (let i = 0; i < 1100; i++) frames.push(await ada.protect("opus", MIC, SOUND));
    const [tooOld, old, last] = [frames[0], frames[500], frames[1099]] as [Bytes, Bytes, Bytes];
    assert.equal(await opens(keys, last), "ok");
    assert.equal(await opens(keys, old), "ok");
    assert.equal(await opens(keys, old), "replayed");
    assert.equal(await opens(keys, tooOld), "replayed");
    const twice = await Promise.all([
      keys.open("opus", MIC, frames[600] as Bytes),
      keys.open("opus", MIC, frames[600] as Bytes),
    ]);
    assert.deepEqual(twice.map(({ kind }) => kind).sort(), ["ok", "replayed"]);
  });

  it("[OPEN1] keeps its window when a frame is forged", async () => {
    const ada = await sender();
    const keys = receiver();
    const [first, second] = [await ada.protect("opus", MIC, SOUND), await ada.protect("opus", MIC, SOUND)];
    assert.equal(await opens(keys, first), "ok");
    const forged = second.slice();
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
    assert.equal(await opens(keys, forged), "wrong-key");
    assert.equal(await opens(keys, second), "ok");
  });

  it("[OPEN2] takes nobody for another, and no source for another", async () => {
    const ada = await sender();
    const frame = await ada.protect("opus", MIC, SOUND);
    assert.equal(await opens(receiver(store([0, SHARED]), "bob"), frame), "wrong-key");
    assert.equal(await opens(receiver(), frame, CAMERA), "wrong-key");
    assert.equal(await opens(receiver(), frame), "ok");
  });

  it("[OPEN3] names the key that is missing", async () => {
    const frame = await (await sender(5)).protect("opus", MIC, SOUND);
    assert.deepEqual(await receiver().open("opus", MIC, frame), { kind: "missing-key", keyId: 5 });
  });

  it("[SF3] [OPEN3] is told of no bytes what makes it throw", async () => {
    const random = seededRandom(2605);
    const keys = receiver();
    const whole = await (await sender()).protect("opus", MIC, SOUND);
    for (let i = 0; i < 3000; i++) {
      const frame = i % 2 ? whole.slice(0, random.u32() % whole.length) : new Uint8Array(random.u32() % 40);
      for (let at = 0; at < frame.length; at++)
        if (i % 2 === 0 || random.u32() % 8 === 0) frame[at] = random.u32() & 0xff;
      const { kind } = await keys.open(i % 3 ? "vp8" : "opus", MIC, frame);
      assert.notEqual(kind, "ok", hex(frame));
    }
    assert.equal(await opens(keys, whole), "ok");
  });

  it("[OPEN4] is patient with what it cannot read, and quick with what it can", () => {
    const state = new DecryptionState();
    assert.equal(state.note("missing-key", 0), undefined);
    assert.equal(state.note("missing-key", 200), undefined);
    assert.equal(state.note("missing-key", 299), undefined);
    assert.equal(state.note("missing-key", 300), "missing-key");
    assert.equal(state.note("missing-key", 310), undefined);
    assert.equal(state.note("wrong-key", 320), "failed");
    assert.equal(state.note("ok", 330), "ok");
    assert.equal(state.state, "ok");
    for (let now = 340; now < 2_000; now += 20) assert.equal(state.note("replayed", now), undefined);
    assert.equal(state.note("wrong-key", 2_000), undefined);
    state.reset();
    assert.equal(state.state, undefined);
    assert.equal(state.note("ok", 2_010), "ok");
  });
});

function hasCode(code: string): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof LodelineError && thrown.code === code;
}
