import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import type { RoomSnapshot, SourceState } from "@lodeline/protocol";
import { CIPHER_SUITES, type Decryption, FrameSender, KeyStore, SenderKeys, type Subtle } from "@lodeline/sframe";
import type { EncodedFrame } from "../src/encryption/encoded-frame.ts";
import { ascii, Receiving } from "../src/encryption/receiving.ts";
import { sendEncrypted } from "../src/encryption/sending.ts";
import { WhoEncrypts } from "../src/encryption/who-encrypts.ts";

const subtle = globalThis.crypto.subtle as unknown as Subtle;
const suite = CIPHER_SUITES.AES_128_GCM_SHA256_128;
const SHARED = new Uint8Array(32).fill(7);
const KEY_FRAME = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 1, 2, 3];

/** A transform as a browser hands it to its worker: frames are put in, and taken out. */
function transformer() {
  const input = new TransformStream<EncodedFrame, EncodedFrame>();
  const output = new TransformStream<EncodedFrame, EncodedFrame>(undefined, undefined, { highWaterMark: 1_000 });
  const writer = input.writable.getWriter();
  const reader = output.readable.getReader();
  const put = (bytes: Iterable<number>) => writer.write({ data: Uint8Array.from(bytes).buffer });
  const take = async () => [...new Uint8Array((await reader.read()).value?.data ?? new ArrayBuffer(0))];
  const end = async () => {
    await writer.close();
    return (await reader.read()).done;
  };
  return { given: { options: {}, readable: input.readable, writable: output.writable }, put, take, end };
}

function sender(): FrameSender {
  return new FrameSender({ subtle, suite, random: seededRandom(5) });
}

function keysOf(participant: string, shared: KeyStore): SenderKeys {
  return new SenderKeys(subtle, suite, shared, participant);
}

function receiving(told: string[] = []) {
  const state = (_assignment: unknown, what: Decryption) => void told.push(what);
  const trouble = (error: unknown) => void told.push(String(error));
  const missingKey = (keyId: number) => void told.push(`key ${keyId}`);
  return new Receiving({ kind: "audio", now: () => 0, state, missingKey, trouble });
}

describe("what is sent", () => {
  it("[ENC1] is nothing before there is a key, and then all of it encrypted", async () => {
    const ada = sender();
    const { given, put, take, end } = transformer();
    const done = sendEncrypted(given, {
      sender: ada,
      kind: "audio",
      label: ascii("microphone"),
      unsupported: () => {},
    });
    await put([1, 2, 3]);
    await ada.use(0, SHARED, "ada");
    await put([4, 5, 6]);
    const shared = new KeyStore();
    shared.set(0, SHARED);
    const opened = await keysOf("ada", shared).open("opus", ascii("microphone"), Uint8Array.from(await take()));
    assert.deepEqual(opened.kind === "ok" && [...opened.frame], [4, 5, 6]);
    assert.equal(await end(), true, "and nothing more");
    await done;
  });

  it("[ENC1] is nothing of another video codec, which is told once", async () => {
    const ada = sender();
    await ada.use(0, SHARED, "ada");
    const { given, put, take, end } = transformer();
    let told = 0;
    const options = { sender: ada, kind: "video", label: ascii("camera"), unsupported: () => void told++ } as const;
    const done = sendEncrypted(given, options);
    await put([0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1]);
    await put([0x12, 0, 0x0a, 0x0b, 0, 0, 0, 0x2a, 0xaf, 0xbf, 0xbf]);
    assert.equal(told, 1);
    await put(KEY_FRAME);
    assert.deepEqual((await take()).slice(0, 10), KEY_FRAME.slice(0, 10));
    assert.equal(await end(), true);
    await done;
  });
});

describe("what comes", () => {
  it("[ENC2] before it is known whose it is, is played in order when it is", async () => {
    const ada = sender();
    await ada.use(0, SHARED, "ada");
    const shared = new KeyStore();
    shared.set(0, SHARED);
    const { given, put, take } = transformer();
    const receiver = receiving();
    void receiver.run(given);
    for (const at of [1, 2, 3]) await put(await ada.protect("opus", ascii("microphone"), Uint8Array.of(at)));
    receiver.assign({ participant: "ada", label: "microphone", clear: false, keys: keysOf("ada", shared) });
    for (const at of [1, 2, 3]) assert.deepEqual(await take(), [at]);
  });

  it("[ENC2] before its key, names the key and is played when it is there; no more than sixty are kept", async () => {
    const ada = sender();
    await ada.use(4, SHARED, "ada");
    const shared = new KeyStore();
    const { given, put, take } = transformer();
    const told: string[] = [];
    const receiver = receiving(told);
    void receiver.run(given);
    receiver.assign({ participant: "ada", label: "microphone", clear: false, keys: keysOf("ada", shared) });
    for (let at = 0; at < 70; at++) await put(await ada.protect("opus", ascii("microphone"), Uint8Array.of(at)));
    assert.deepEqual(new Set(told), new Set(["key 4"]));
    shared.set(4, SHARED);
    await receiver.again();
    assert.deepEqual(await take(), [10]);
    assert.ok(told.includes("ok"));
  });

  it("[ENC2] of another, or of another source, is never played", async () => {
    const ada = sender();
    await ada.use(0, SHARED, "ada");
    const shared = new KeyStore();
    shared.set(0, SHARED);
    const { given, put, end } = transformer();
    const receiver = receiving();
    const done = receiver.run(given);
    receiver.assign({ participant: "bob", label: "microphone", clear: false, keys: keysOf("bob", shared) });
    await put(await ada.protect("opus", ascii("microphone"), Uint8Array.of(1)));
    receiver.assign({ participant: "ada", label: "screen-audio", clear: false, keys: keysOf("ada", shared) });
    await put([9, 9, 9]);
    assert.equal(await end(), true);
    await done;
  });

  it("[ENC4] is told of once where a frame breaks something, and the next ones are played", async () => {
    const ada = sender();
    await ada.use(0, SHARED, "ada");
    const shared = new KeyStore();
    shared.set(0, SHARED);
    const { given, put, take } = transformer();
    const told: string[] = [];
    const receiver = receiving(told);
    void receiver.run(given);
    const keys = keysOf("ada", shared);
    let broken = 2;
    const open: SenderKeys["open"] = (...frame) => {
      if (broken-- > 0) throw new TypeError("broken");
      return keys.open(...frame);
    };
    receiver.assign({ participant: "ada", label: "microphone", clear: false, keys: { open } as SenderKeys });
    for (const at of [1, 2, 3]) await put(await ada.protect("opus", ascii("microphone"), Uint8Array.of(at)));
    assert.deepEqual(await take(), [3]);
    assert.deepEqual(told, ["TypeError: broken", "ok"]);
  });

  it("[ENC3] of who does not encrypt is played as it comes", async () => {
    const { given, put, take } = transformer();
    const receiver = receiving();
    void receiver.run(given);
    receiver.assign({ participant: "di", label: "microphone", clear: true, keys: keysOf("di", new KeyStore()) });
    await put([1, 2, 3]);
    assert.deepEqual(await take(), [1, 2, 3]);
  });

  it("[ENC3] is not played in clear of who has encrypted once, until they are gone", () => {
    const who = new WhoEncrypts();
    const room = (camera: Partial<SourceState>, ...ids: string[]): RoomSnapshot => {
      const off = { intent: "live", mutedBy: null } as const;
      const sources = { microphone: off, camera: { ...off, ...camera }, screen: off, "screen-audio": off };
      const media = { revision: 1, sources };
      const member = { incarnation: 1, identity: "x", name: "x", role: "speaker", presence: "connected" } as const;
      return {
        room: "r",
        topology: "sfu",
        locked: false,
        pairs: [],
        participants: ids.map((id) => ({ id, media, ...member })),
      };
    };
    const look = (snapshot: RoomSnapshot, source: "camera" | "microphone" = "camera") => {
      who.update(snapshot);
      return who.isClear(snapshot, "ada", source);
    };
    assert.equal(look(room({}, "ada")), true);
    assert.equal(look(room({ encryption: "sframe" }, "ada")), false);
    assert.equal(look(room({}, "ada")), false, "the room's word is the server's");
    assert.equal(look(room({}, "ada"), "microphone"), false);
    assert.equal(look(room({}, "bob")), false, "of who is not there nothing is");
    assert.equal(look(room({}, "ada")), true);
  });
});
