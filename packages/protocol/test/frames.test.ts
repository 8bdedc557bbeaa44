import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, isErrorCode, seededRandom } from "@lodeline/base";
import {
  clientFrame,
  LIMITS,
  parseClientFrame,
  parseServerFrame,
  readServerFrame,
  serverFrame,
} from "@lodeline/protocol";
import { kindsIn, limitOf, pick, places, type Schema, sample, withValue } from "./samples.ts";

const SIDES = [
  { side: "client", schema: clientFrame as unknown as Schema, parse: parseClientFrame },
  { side: "server", schema: serverFrame as unknown as Schema, parse: parseServerFrame },
] as const;

for (const { side, schema, parse } of SIDES) {
  describe(`a ${side}'s frames`, () => {
    it("[PROTO1] survive writing and reading, every kind of them", () => {
      const random = seededRandom(1);
      const missing = kindsIn(schema);
      for (let i = 0; i < 6_000; i++) {
        const frame = sample(schema, random);
        const read = parse(JSON.stringify(frame));
        assert.ok(read.ok, `${JSON.stringify(frame)}: ${read.ok || read.error.message}`);
        assert.deepEqual(read.frame, frame);
        note(frame, missing);
      }
      assert.deepEqual([...missing], [], "kinds that no sample had");
    });

    it("[PROTO2] are refused for a field too many, anywhere", () => {
      const random = seededRandom(2);
      each(schema, random, 1_500, (frame, all) => {
        const objects = all.filter(({ schema: one }) => one._zod.def.type === "object");
        const { path } = pick(objects, random);
        const broken = withValue(frame, [...path, "surprise"], 1);
        const read = parse(JSON.stringify(broken));
        assert.equal(!read.ok && read.error.code, "protocol/malformed", JSON.stringify(broken));
        assert.equal(!read.ok && read.error.field, [...path, "surprise"].join("."));
      });
    });

    it("[PROTO3] are refused for a field of another type, with its path", () => {
      const random = seededRandom(3);
      each(schema, random, 1_500, (frame, all) => {
        // The fields that tell kinds apart are another rule's.
        const fields = all.filter(({ path, schema: one }) => path.length > 0 && one._zod.def.type !== "literal");
        if (fields.length === 0) return;
        const { path, value } = pick(fields, random);
        const other = typeof value === "object" ? "text" : { object: true };
        const read = parse(JSON.stringify(withValue(frame, path, other)));
        assert.equal(read.ok, false, JSON.stringify(withValue(frame, path, other)));
        assert.equal(!read.ok && read.error.field, path.join("."));
      });
    });

    it("[PROTO4] hold their limits exactly", () => {
      const random = seededRandom(4);
      const tried = new Set<string>();
      each(schema, random, 3_000, (frame, all) => {
        for (const { path, schema: one, value } of all) {
          const limit = limitOf(one);
          const name = path.map((key) => (/^\d+$/.test(key) ? "#" : key)).join(".");
          if (limit === undefined || tried.has(name) || limit > 2048) continue;
          const list = Array.isArray(value) ? value : undefined;
          if (list?.length === 0) continue;
          tried.add(name);
          const of = (length: number) => (list ? Array.from({ length }, () => list[0]) : "x".repeat(length));
          const at = parse(JSON.stringify(withValue(frame, path, of(limit))));
          assert.ok(at.ok || at.error.field === "frame", `${name} at ${limit}: ${at.ok || at.error.message}`);
          const over = parse(JSON.stringify(withValue(frame, path, of(limit + 1))));
          assert.equal(!over.ok && over.error.code, "protocol/too-large", name);
          if (!over.ok && over.error.field !== "frame") assert.equal(over.error.field, path.join("."));
        }
      });
      assert.ok(tried.size > 15, `${tried.size} limits tried`);
    });

    it("[PROTO5] are refused when their kind does not exist", () => {
      const nothing = parse('{"kind":"nothing"}');
      assert.equal(!nothing.ok && nothing.error.code, "protocol/unknown-type");
      assert.equal(!nothing.ok && nothing.error.field, "kind");
      const message = parse('{"kind":"data","seq":4,"ack":0,"message":{"type":"dance","id":"x"}}');
      assert.equal(!message.ok && message.error.code, "protocol/unknown-type");
      assert.equal(!message.ok && message.error.field, "message.type");
    });

    it("[PROTO7] never throw and never pass what is not theirs, whatever the text", () => {
      const random = seededRandom(7);
      for (let i = 0; i < 8_000; i++) {
        const text = mangle(JSON.stringify(sample(schema, random)), random);
        const read = parse(text);
        if (read.ok) {
          // Written out, because JSON has a minus zero that it does not write.
          const again = parse(JSON.stringify(read.frame));
          assert.ok(again.ok);
          assert.equal(JSON.stringify(again.frame), JSON.stringify(read.frame));
        } else assert.ok(isErrorCode(read.error.code) && read.error.field);
      }
      for (const text of [
        "",
        "null",
        "0",
        '"hello"',
        "[]",
        "true",
        "{}",
        '{"__proto__":{"kind":"ping"}}',
        "\u0000",
        "[".repeat(9999),
      ]) {
        assert.equal(parse(text).ok, false, text.slice(0, 40));
      }
    });
  });
}

describe("refusals", () => {
  it("[PROTO6] a text above the limit is not read, and a server's may be larger", () => {
    const padded = (length: number) => {
      const frame = '{"kind":"ack","ack":1}';
      return frame + " ".repeat(length - frame.length);
    };
    assert.ok(parseClientFrame(padded(LIMITS.frameBytes)).ok);
    const over = parseClientFrame(padded(LIMITS.frameBytes + 1));
    assert.equal(!over.ok && over.error.code, "protocol/too-large");
    assert.equal(!over.ok && over.error.field, "frame");
    assert.ok(parseServerFrame(padded(LIMITS.frameBytes + 1)).ok);
    assert.equal(parseServerFrame(padded(LIMITS.serverFrameLength + 1)).ok, false);
    const none = parseClientFrame("{");
    assert.equal(!none.ok && none.error.code, "protocol/malformed");
  });

  it("[PROTO6] an offer at its limit fits into a frame", () => {
    const signal = {
      session: "s",
      epoch: 1,
      seq: 1,
      body: { kind: "offer", offer: { sdp: "x".repeat(LIMITS.sdpLength), sends: [], receives: [] } },
    };
    const message = { type: "signal", scope: "room", to: "sfu", signal };
    assert.ok(parseClientFrame(JSON.stringify({ kind: "data", seq: 1, ack: 0, message })).ok);
  });

  it("[PROTO8] reports number and id where they can be read", () => {
    const table: [string, number | undefined, string | undefined][] = [
      ['{"kind":"data","seq":7,"ack":0,"message":{"type":"leave","id":"c1","x":1}}', 7, "c1"],
      ['{"kind":"data","seq":7,"ack":0,"message":{"type":"dance","id":"c2"}}', 7, "c2"],
      ['{"kind":"data","seq":7,"ack":0,"message":"none"}', 7, undefined],
      ['{"kind":"data","seq":7,"ack":0}', 7, undefined],
      ['{"kind":"data","seq":0,"ack":0,"message":{"type":"leave","id":"c"}}', undefined, "c"],
      ['{"kind":"data","seq":1.5,"ack":0,"message":{"type":"leave","id":"c"}}', undefined, "c"],
      [`{"kind":"data","seq":7,"ack":0,"message":{"type":"leave","id":"${"x".repeat(129)}"}}`, 7, undefined],
      ["[7]", undefined, undefined],
      ["nonsense", undefined, undefined],
    ];
    for (const [text, seq, id] of table) {
      const read = parseClientFrame(text);
      assert.ok(!read.ok, text);
      assert.deepEqual([read.seq, read.id], [seq, id], text);
    }
  });

  it("[PROTO9] says nothing of what was refused, and no more than its limit", () => {
    const secret = "my-token-and-address";
    const long = "k".repeat(1000);
    for (const text of [
      `{"kind":"hello","version":"${secret}","name":"x"}`,
      `{"kind":"hello","version":1,"name":"x","token":{"a":"${secret}"}}`,
      `{"kind":"${secret}"}`,
      `${secret}`,
      `{"kind":"hello","version":1,"name":"x","${long}":"${secret}"}`,
    ]) {
      const read = parseClientFrame(text);
      assert.ok(!read.ok);
      assert.ok(!read.error.message.includes(secret), read.error.message);
      assert.ok((read.error.field ?? "").length <= 256);
      assert.ok(read.error.detail.length <= LIMITS.textLength);
    }
  });

  it("[PROTO9] a key named __proto__ changes nothing", () => {
    const read = parseClientFrame('{"kind":"ack","ack":1,"__proto__":{"admin":true}}');
    assert.equal(read.ok, false);
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });
});

function each(
  schema: Schema,
  random: ReturnType<typeof seededRandom>,
  times: number,
  check: (frame: unknown, all: ReturnType<typeof places>) => void,
): void {
  for (let i = 0; i < times; i++) {
    const frame = sample(schema, random);
    check(frame, places(schema, frame));
  }
}

/** Strikes off the kinds that a sample has. */
function note(value: unknown, missing: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    if (typeof one === "string") missing.delete(`${key}=${one}`);
    else note(one, missing);
  }
}

/** Cuts, doubles and swaps some of the text. */
function mangle(text: string, random: ReturnType<typeof seededRandom>): string {
  let out = text;
  for (let n = 1 + integer(random, 4); n > 0; n--) {
    const at = integer(random, out.length + 1);
    const sign = pick([...'{}[]":,0123456789ektn\\-.'], random);
    out = out.slice(0, at) + (integer(random, 2) ? sign : "") + out.slice(at + integer(random, 3));
  }
  return out;
}

describe("a server's frames read without the schemas", () => {
  const schema = serverFrame as unknown as Schema;
  /** Fields of the frame itself and of the message in it: what the reading looks at. */
  const shallow = ({ path }: { path: readonly string[] }) =>
    path.length === 1 || (path.length === 2 && path[0] === "message");

  it("[PROTO14] are the same where they fit", () => {
    const random = seededRandom(14);
    const missing = kindsIn(schema);
    for (let i = 0; i < 6_000; i++) {
      const frame = sample(schema, random);
      const read = readServerFrame(JSON.stringify(frame));
      assert.ok(read.ok, `${JSON.stringify(frame)}: ${read.ok || read.error.message}`);
      assert.deepEqual(read.frame, JSON.parse(JSON.stringify(frame)));
      note(frame, missing);
    }
    assert.deepEqual([...missing], [], "kinds that no sample had");
  });

  it("[PROTO14] are refused by the same path for a field that is missing or of another type", () => {
    const random = seededRandom(15);
    const tried = new Set<string>();
    each(schema, random, 3_000, (frame, all) => {
      for (const place of all.filter(shallow)) {
        const value = JSON.parse(JSON.stringify(place.value ?? null)) as unknown;
        if (value === null) continue;
        const other = typeof value === "object" ? "text" : { object: true };
        for (const broken of [withValue(frame, place.path, undefined), withValue(frame, place.path, other)]) {
          const text = JSON.stringify(broken);
          const strict = parseServerFrame(text);
          if (strict.ok) continue;
          const read = readServerFrame(text);
          assert.equal(read.ok, false, text);
          assert.equal(!read.ok && !strict.ok && read.error.field, strict.error.field, text);
          tried.add(place.path.join("."));
        }
      }
    });
    assert.ok(tried.size > 30, `${[...tried]}`);
  });

  it("[PROTO14] may say more than a client knows", () => {
    const random = seededRandom(16);
    each(schema, random, 500, (frame, all) => {
      const { path } = pick(
        all.filter((one) => one.schema._zod.def.type === "object"),
        random,
      );
      assert.equal(readServerFrame(JSON.stringify(withValue(frame, [...path, "surprise"], 1))).ok, true);
    });
  });

  it("[PROTO7] reading never throws", () => {
    for (const text of ["", "null", "[]", "1", '"x"', '{"kind":7}', '{"kind":"constructor"}', '{"kind":"data"}'])
      assert.equal(readServerFrame(text).ok, false, text);
    const huge = readServerFrame(`"${"x".repeat(LIMITS.serverFrameLength)}"`);
    assert.equal(!huge.ok && huge.error.code, "protocol/too-large");
    const lost = readServerFrame('{"kind":"data","seq":7,"ack":0,"message":{"type":"nobody-knows","id":"c_1"}}');
    assert.deepEqual(
      [!lost.ok && lost.error.code, !lost.ok && lost.seq, !lost.ok && lost.id],
      ["protocol/unknown-type", 7, "c_1"],
    );
  });
});
