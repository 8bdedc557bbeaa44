import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { crc32c } from "../src/sctp/crc32c.ts";
import { ReceivedTsns } from "../src/sctp/received-tsns.ts";
import { CHUNK, parseSctp } from "../src/sctp/sctp-packet.ts";
import { SctpReassembly } from "../src/sctp/sctp-reassembly.ts";
import { type Link, type SctpEnd, SctpPair } from "./sctp-pair.ts";

const pair = (link: Partial<Link> = {}, limit?: number) => new SctpPair({ random: seededRandom(1), ...link }, limit);

/** Bytes that say who they are. */
const numbered = (index: number, lengthBytes: number) => {
  const bytes = Buffer.alloc(lengthBytes, index & 0xff);
  bytes.writeUInt32BE(index);
  return bytes;
};

const indexes = (end: SctpEnd) => end.messages.map(({ bytes }) => bytes.readUInt32BE(0));

const chunkTypes = (packets: readonly Buffer[]) =>
  packets.flatMap((packet) => parseSctp(packet, true)?.chunks.map(({ type }) => type) ?? []);

describe("SCTP", () => {
  it("[SCTP1] has the checksum of RFC 3720 section B.4", () => {
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, index) => index))), 0x46dd794e);
    assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  });

  it("[SCTP1] sets up an association, by one side or by both at once, and over a link that loses", () => {
    for (const both of [false, true]) {
      const calm = pair().connect(both);
      assert.equal(calm.left.states.at(-1), "established");
      assert.equal(calm.right.states.at(-1), "established");
      for (let seed = 1; seed <= 40; seed++) {
        const joined = pair({ random: seededRandom(seed), loss: 0.3, delayMs: [1, 60], doubled: 0.2 });
        joined.connect(both);
        assert.equal(joined.left.association.state, "established", `seed ${seed}`);
        joined.send(joined.left, numbered(1, 10));
        joined.send(joined.right, numbered(2, 10));
        joined.run();
        assert.deepEqual([indexes(joined.left), indexes(joined.right)], [[2], [1]], `seed ${seed}`);
      }
    }
  });

  it("[SCTP1] gives up the set-up after nine tries, and a peer that is gone", () => {
    const alone = pair();
    alone.lose = () => true;
    alone.left.association.connect(0);
    alone.run(60_000);
    assert.equal(alone.left.states.at(-1), "closed: no answer to the set-up");
    assert.equal(alone.left.sent.length, 9);
    const silent = pair().connect();
    silent.lose = () => true;
    silent.send(silent.left, numbered(1, 10));
    silent.run(200_000);
    assert.equal(silent.left.states.at(-1), "closed: no acknowledgement");
    const idle = pair().connect();
    idle.run(100_000);
    assert.equal(idle.left.association.state, "established", "heartbeats are answered");
    idle.lose = () => true;
    idle.run(300_000);
    assert.equal(idle.left.states.at(-1), "closed: no answer to heartbeats");
  });

  it("[SCTP1] takes no cookie that is forged or old", () => {
    const forged = pair();
    let cookie: Buffer | undefined;
    forged.lose = (packet) => {
      if (chunkTypes([packet])[0] !== CHUNK.cookieEcho) return false;
      cookie ??= Buffer.from(packet);
      return true;
    };
    forged.connect();
    assert.ok(cookie);
    const changed = Buffer.from(cookie);
    changed[30] = (changed[30] as number) ^ 1;
    changed.writeUInt32LE(0, 8);
    forged.right.association.handle(changed, 100);
    assert.equal(forged.right.association.state, "new");
    forged.right.association.handle(cookie, 61_000);
    assert.equal(forged.right.association.state, "new", "too old");
    forged.right.association.handle(cookie, 100);
    assert.equal(forged.right.association.state, "established");
  });

  it("[SCTP2] carries messages of any size both ways in order, over a link that loses, doubles and reorders", () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = seededRandom(seed);
      const joined = pair({ random, loss: 0.1, doubled: 0.1, delayMs: [5, 40] }).connect();
      const sizes = Array.from({ length: 60 }, () => 4 + integer(random, integer(random, 4) === 0 ? 60_000 : 3000));
      for (const [index, size] of sizes.entries()) {
        joined.send(joined.left, numbered(index, size));
        joined.send(joined.right, numbered(index, size), { stream: index % 3 });
      }
      joined.run(120_000);
      assert.deepEqual(indexes(joined.right), [...sizes.keys()], `seed ${seed}`);
      for (const stream of [0, 1, 2]) {
        const got = indexes(joined.left).filter((index) => index % 3 === stream);
        assert.deepEqual(
          got,
          [...sizes.keys()].filter((index) => index % 3 === stream),
          `seed ${seed}`,
        );
      }
      for (const { bytes } of joined.right.messages)
        assert.deepEqual(bytes, numbered(bytes.readUInt32BE(0), sizes[bytes.readUInt32BE(0)] ?? 0));
      assert.equal(joined.left.association.sender?.isIdle, true);
      assert.equal(joined.right.association.receiver?.bufferedBytes, 0);
    }
  });

  it("[SCTP2] delivers unordered messages as they come, each once", () => {
    const joined = pair({ random: seededRandom(3), loss: 0.2, doubled: 0.2, delayMs: [5, 50] }).connect();
    for (let index = 0; index < 300; index++) joined.send(joined.left, numbered(index, 800), { ordered: false });
    joined.run(60_000);
    const got = indexes(joined.right);
    assert.equal(new Set(got).size, 300);
    assert.equal(got.length, 300);
    assert.notDeepEqual(
      got,
      [...got].sort((a, b) => a - b),
      "some overtook others",
    );
  });

  it("[SCTP3] sends no lost message again beyond its limit, skips it, and keeps the order of the others", () => {
    for (const ordered of [true, false]) {
      const joined = pair({ random: seededRandom(9), delayMs: [10, 10] }).connect();
      joined.link = { ...joined.link, loss: 0.25 };
      for (let index = 0; index < 400; index++)
        joined.send(joined.left, numbered(index, 300 + (index % 5) * 700), { ordered, maxRetransmits: 0 });
      for (let index = 400; index < 410; index++) joined.send(joined.left, numbered(index, 3000), { stream: 1 });
      joined.run(120_000);
      const got = indexes(joined.right);
      assert.ok(got.length > 150 && got.length < 400, `${got.length} of 410 came`);
      const first = got.filter((index) => index < 400);
      if (ordered)
        assert.deepEqual(
          first,
          [...first].sort((a, b) => a - b),
        );
      assert.equal(new Set(got).size, got.length);
      assert.deepEqual(
        got.filter((index) => index >= 400),
        [400, 401, 402, 403, 404, 405, 406, 407, 408, 409],
      );
      assert.ok((joined.left.association.sender?.abandoned ?? 0) > 20);
      assert.equal(joined.left.association.sender?.isIdle, true, "nothing waits for what was given up");
      assert.equal(joined.right.association.receiver?.bufferedBytes, 0);
      assert.ok(chunkTypes(joined.left.sent).includes(CHUNK.forwardTsn));
    }
  });

  it("[SCTP3] gives up what is older than its lifetime, sent or not", () => {
    const joined = pair({ random: seededRandom(2), delayMs: [10, 10], rate: 20 }).connect();
    // 20 kB/s: 100 kB take five seconds, of which one is allowed.
    for (let index = 0; index < 100; index++) joined.send(joined.left, numbered(index, 1000), { lifeMs: 1000 });
    joined.run(30_000);
    const got = indexes(joined.right);
    assert.ok(got.length > 10 && got.length < 60, `${got.length} came`);
    assert.ok((joined.left.association.sender?.queue.expired ?? 0) > 30);
    assert.equal(joined.left.association.sender?.isIdle, true);
  });

  it("[SCTP4] fills a link and leaves it usable: one loss costs no timeout", () => {
    const joined = pair({ random: seededRandom(4), delayMs: [20, 20], rate: 1250 }).connect();
    const before = joined.now;
    for (let index = 0; index < 80; index++) joined.send(joined.left, numbered(index, 65_536));
    let done = 0;
    while (joined.right.messages.length < 80 && joined.now < before + 30_000) {
      joined.run(20);
      done = joined.now - before;
    }
    assert.equal(joined.right.messages.length, 80);
    // 5.2 MB at 1250 kB/s are 4.2 s.
    assert.ok(done < 6500, `${done} ms`);
    const once = pair({ random: seededRandom(4), delayMs: [20, 20] }).connect();
    let count = 0;
    once.lose = (packet, from) => from === once.left && chunkTypes([packet]).includes(CHUNK.data) && ++count === 5;
    const from = once.now;
    for (let index = 0; index < 40; index++) once.send(once.left, numbered(index, 1000));
    while (once.right.messages.length < 40 && once.now < from + 5000) once.run(5);
    assert.ok(once.now - from < 300, `${once.now - from} ms`);
    assert.equal(once.left.association.sender?.retransmissions, 1);
  });

  it("[SCTP4] slows down where the link loses, and is fast again afterwards", () => {
    const joined = pair({ random: seededRandom(7), delayMs: [10, 10] }).connect();
    for (let index = 0; index < 60; index++) joined.send(joined.left, numbered(index, 65_000));
    joined.run(80);
    const open = joined.left.association.sender?.congestionWindowBytes ?? 0;
    joined.link = { ...joined.link, loss: 0.3 };
    joined.run(700);
    const lossy = joined.left.association.sender?.congestionWindowBytes ?? 0;
    assert.ok(open > 70_000 && lossy < open / 4, `${open} then ${lossy}`);
    joined.link = { ...joined.link, loss: 0 };
    joined.run(20_000);
    assert.equal(joined.right.messages.length, 60);
  });

  it("[SCTP5] resets streams both ways, after all that waited in them, and uses them again from 0", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const joined = pair({ random: seededRandom(seed), loss: seed === 1 ? 0 : 0.2, delayMs: [5, 30] }).connect();
      for (let index = 0; index < 20; index++) joined.send(joined.left, numbered(index, 2000), { stream: 4 });
      joined.left.association.resetStream(4);
      joined.run(60_000);
      assert.deepEqual(joined.right.incomingResets, [[4]], `seed ${seed}`);
      assert.deepEqual(joined.left.outgoingResets, [[4]]);
      assert.equal(joined.right.messages.length, 20);
      joined.send(joined.left, numbered(20, 10), { stream: 4 });
      joined.run(60_000);
      assert.equal(joined.right.messages.length, 21, `seed ${seed}`);
      joined.right.association.resetStream(4);
      joined.run(60_000);
      assert.deepEqual(joined.left.incomingResets, [[4]]);
    }
  });

  it("[SCTP6] ends what sends more than was agreed, and says so", () => {
    const joined = new SctpPair({ random: seededRandom(1) }, 10_000).connect();
    joined.send(joined.left, numbered(1, 10_000));
    joined.run(1000);
    assert.equal(joined.right.messages.length, 1);
    joined.send(joined.left, numbered(2, 20_000));
    joined.run(5000);
    assert.equal(joined.right.states.at(-1), "closed: a message longer than we take");
    assert.equal(joined.left.states.at(-1), "closed: the other side aborted");
  });

  it("[SCTP6] keeps what it holds bounded when parts never come", () => {
    const joined = pair().connect();
    let isFirst = true;
    joined.lose = (packet, from) => {
      if (from !== joined.left || !chunkTypes([packet]).includes(CHUNK.data)) return false;
      // The first packet never arrives: nothing can be delivered, and everything waits.
      const loses = isFirst || (parseSctp(packet, true)?.chunks[0]?.value.readUInt32BE(0) ?? 0) === first;
      if (isFirst) first = parseSctp(packet, true)?.chunks[0]?.value.readUInt32BE(0) ?? 0;
      isFirst = false;
      return loses;
    };
    let first = -1;
    for (let index = 0; index < 100; index++) joined.send(joined.left, numbered(index, 60_000));
    let most = 0;
    for (let round = 0; round < 60; round++) {
      joined.run(50);
      most = Math.max(most, joined.right.association.receiver?.bufferedBytes ?? 0);
    }
    assert.equal(joined.right.messages.length, 0);
    assert.ok(most > 100_000 && most <= 2 * 1024 * 1024, `${most} bytes`);
    joined.lose = undefined;
    joined.run(60_000);
    assert.equal(joined.right.messages.length, 100);
  });

  it("[SCTP6] ends by an abort or a shutdown of the other side, and not by somebody else's", () => {
    const joined = pair().connect();
    const header = joined.left.sent.at(-1) as Buffer;
    const packet = (type: number, flags: number, tag: Buffer) =>
      Buffer.concat([header.subarray(0, 4), tag, Buffer.alloc(4), Buffer.from([type, flags, 0, 4])]);
    joined.right.association.handle(packet(CHUNK.abort, 0, Buffer.from("nope")), joined.now);
    joined.right.association.handle(packet(CHUNK.abort, 1, Buffer.from("nope")), joined.now);
    assert.equal(joined.right.association.state, "established");
    joined.right.association.handle(packet(CHUNK.shutdown, 0, header.subarray(4, 8)), joined.now);
    assert.equal(joined.right.states.at(-1), "closed: the other side shut down");
    const other = pair().connect();
    other.left.association.abort();
    other.run();
    assert.equal(other.right.states.at(-1), "closed: the other side aborted");
  });

  it("[SEC4] survives 20,000 hostile packets, damaged and made up, and stays bounded", () => {
    const random = seededRandom(21);
    const good = pair({ random, loss: 0.2, delayMs: [1, 20] }).connect();
    for (let index = 0; index < 30; index++)
      good.send(good.left, numbered(index, 50 + integer(random, 4000)), { stream: index % 4, maxRetransmits: 1 });
    good.left.association.resetStream(3);
    good.run();
    const seen = [...good.left.sent, ...good.right.sent];
    let fresh = pair().connect();
    for (let round = 0; round < 20_000; round++) {
      const packet = Buffer.from(seen[integer(random, seen.length)] as Buffer);
      const target = fresh.right.association;
      (fresh.left.sent[1] as Buffer).copy(packet, 4, 4, 8);
      packet.writeUInt32LE(0, 8);
      for (let edits = integer(random, 6); edits > 0; edits--)
        packet[12 + integer(random, packet.length - 12)] = integer(random, 256);
      target.handle(packet.subarray(0, integer(random, 8) === 0 ? integer(random, packet.length) : undefined), round);
      target.tick(round);
      let polls = 0;
      while (target.poll(round)) assert.ok(++polls < 1000, "endless answers");
      assert.ok((target.receiver?.bufferedBytes ?? 0) <= 2_500_000);
      if (target.state !== "established") fresh = pair().connect();
    }
  });
});

describe("the parts of SCTP", () => {
  it("[SCTP2] knows which numbers have come, whatever their order and wherever they wrap", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const start = 0xffffff00;
      const tsns = new ReceivedTsns(start);
      const order = Array.from({ length: 600 }, (_, index) => index);
      // Near their place, as a network reorders.
      order.sort((a, b) => a + integer(random, 40) - (b + integer(random, 40)));
      const come = new Set<number>();
      for (const index of order) {
        const tsn = (start + index) >>> 0;
        assert.equal(tsns.isNew(tsn), true);
        tsns.add(tsn);
        come.add(index);
        assert.equal(tsns.isNew(tsn), false);
        let next = 0;
        while (come.has(next)) next++;
        assert.equal(tsns.cumulative, (start + next - 1) >>> 0);
        const beyond = tsns.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
        assert.equal(beyond, come.size - next);
      }
      assert.deepEqual(tsns.ranges, []);
      assert.equal(tsns.takeDoubled().length, 16);
    }
  });

  it("[SCTP3] skips in streams without giving up what is whole, and forgets parts", () => {
    const got: string[] = [];
    const reassembly = new SctpReassembly(({ bytes }) => got.push(bytes.toString()));
    const chunk = (tsn: number, ssn: number, text: string, flags: { begins?: boolean; ends?: boolean } = {}) => ({
      tsn,
      stream: 0,
      ssn,
      ppid: 51,
      unordered: false,
      begins: flags.begins ?? true,
      ends: flags.ends ?? true,
      payload: Buffer.from(text),
    });
    reassembly.handle(chunk(12, 2, "two"));
    reassembly.handle(chunk(11, 1, "a part", { ends: false }));
    reassembly.handle(chunk(15, 4, "four"));
    assert.deepEqual(got, []);
    reassembly.skip(13, [{ stream: 0, ssn: 3 }]);
    assert.deepEqual(got, ["two", "four"]);
    assert.equal(reassembly.bufferedBytes, 0);
  });

  it("[SCTP2] two ends agree on every byte of a long transfer", () => {
    const joined = pair({ random: seededRandom(12), loss: 0.02, delayMs: [2, 6] }).connect();
    const random = seededRandom(13);
    const sent = createHash("sha256");
    for (let index = 0; index < 40; index++) {
      const bytes = Buffer.from(Array.from({ length: 20_000 }, () => integer(random, 256)));
      sent.update(bytes);
      joined.send(joined.left, bytes);
    }
    joined.run(60_000);
    const got = createHash("sha256");
    for (const { bytes } of joined.right.messages) got.update(bytes);
    assert.equal(got.digest("hex"), sent.digest("hex"));
  });
});
