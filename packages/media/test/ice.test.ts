import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { IceAgent } from "../src/ice/ice-agent.ts";
import type { IcePath, IceState } from "../src/ice/ice-types.ts";
import {
  encodeStun,
  encodeXorMappedAddress,
  integrityFits,
  localFragmentOf,
  parseStun,
  STUN_ATTRIBUTE,
  STUN_TYPE,
  type StunMessage,
} from "../src/ice/stun-message.ts";

const bytes = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");

/** RFC 5769 section 2.1. */
const REQUEST = bytes(`
  00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff
  80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249
  c1b571a2 80280004 e57a3bcf`);

/** RFC 5769 section 2.2. */
const RESPONSE = bytes(`
  0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643
  00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96`);

const PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt";
const THEIRS = { usernameFragment: "thrs", password: "their-password-of-some-length" };

/** A path that keeps what is sent on it. */
class FakePath implements IcePath {
  readonly address: string;
  readonly port: number;
  readonly sent: StunMessage[] = [];

  constructor(port: number, address = "192.0.2.9") {
    this.port = port;
    this.address = address;
  }

  send(sent: Uint8Array): void {
    const message = parseStun(Buffer.from(sent));
    assert.ok(message, "only STUN is sent by an agent");
    this.sent.push(message);
  }

  ofType(type: number): StunMessage[] {
    return this.sent.filter((message) => message.type === type);
  }
}

function agentWith() {
  const states: IceState[] = [];
  const paths: IcePath[] = [];
  const fragments = new Set<string>();
  const agent = new IceAgent({
    random: seededRandom(5),
    events: {
      onState: (state) => states.push(state),
      onPath: (path) => paths.push(path),
      onCredentials: (added, removed) => {
        if (removed) fragments.delete(removed.usernameFragment);
        if (added) fragments.add(added.usernameFragment);
      },
    },
  });
  return { agent, states, paths, fragments };
}

let transaction = 0;

/** A check as a browser sends it. */
function check(
  to: { usernameFragment: string; password: string },
  options: { nominate?: boolean; controlled?: boolean; password?: string; from?: string } = {},
): StunMessage {
  const id = Buffer.alloc(12);
  id.writeUInt32BE(++transaction, 8);
  const message = parseStun(
    encodeStun(
      STUN_TYPE.request,
      id,
      [
        [STUN_ATTRIBUTE.username, Buffer.from(`${to.usernameFragment}:${options.from ?? THEIRS.usernameFragment}`)],
        [options.controlled ? STUN_ATTRIBUTE.iceControlled : STUN_ATTRIBUTE.iceControlling, Buffer.alloc(8, 1)],
        ...(options.nominate ? ([[STUN_ATTRIBUTE.useCandidate, Buffer.alloc(0)]] as const) : []),
      ],
      options.password ?? to.password,
    ),
  );
  return message ?? assert.fail();
}

/** The browser's answer to a check of ours. */
function success(request: StunMessage, password = THEIRS.password): StunMessage {
  const mapped = encodeXorMappedAddress("127.0.0.1", 5000, request.transactionId);
  return (
    parseStun(
      encodeStun(STUN_TYPE.success, request.transactionId, [[STUN_ATTRIBUTE.xorMappedAddress, mapped]], password),
    ) ?? assert.fail()
  );
}

describe("STUN", () => {
  it("[ICE1] reads the RFC's request, and its integrity", () => {
    const message = parseStun(REQUEST) ?? assert.fail();
    assert.equal(message.type, STUN_TYPE.request);
    assert.equal(localFragmentOf(message), "evtj");
    assert.equal(integrityFits(message, PASSWORD), true);
    assert.equal(integrityFits(message, `${PASSWORD}x`), false);
  });

  it("[ICE1] reads the RFC's response, and makes the same address", () => {
    const message = parseStun(RESPONSE) ?? assert.fail();
    assert.equal(integrityFits(message, PASSWORD), true);
    const mapped = encodeXorMappedAddress("192.0.2.1", 32_853, message.transactionId);
    assert.deepEqual(message.attributes.get(STUN_ATTRIBUTE.xorMappedAddress), mapped);
  });

  it("[ICE1] makes the RFC's IPv6 address", () => {
    const id = bytes("b7e7a701 bc34d686 fa87dfae");
    const mapped = encodeXorMappedAddress("2001:db8:1234:5678:11:2233:4455:6677", 32_853, id);
    assert.equal(mapped.toString("hex"), "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9");
  });

  it("[ICE1] refuses every single changed bit, and every cut", () => {
    for (let bit = 0; bit < REQUEST.length * 8; bit++) {
      const changed = Buffer.from(REQUEST);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const message = parseStun(changed);
      assert.ok(message === undefined || !integrityFits(message, PASSWORD), `bit ${bit}`);
    }
    for (let length = 0; length < REQUEST.length; length++) {
      const message = parseStun(REQUEST.subarray(0, length));
      assert.ok(message === undefined || !integrityFits(message, PASSWORD), `length ${length}`);
    }
  });
});

describe("the ICE agent", () => {
  it("[ICE2] ignores a check with a wrong password, and one that is not for it", () => {
    const { agent, states, paths } = agentWith();
    agent.accept(THEIRS, 0);
    const path = new FakePath(1);
    assert.equal(agent.handle(check(agent.local, { password: "wrong" }), path, 10), false);
    assert.equal(agent.handle(check({ ...agent.local, usernameFragment: "other" }), path, 10), false);
    assert.deepEqual([path.sent.length, states, paths.length], [0, ["checking"], 0]);
  });

  it("[ICE2] ignores an answer to nothing, and one that does not prove their password", () => {
    const { agent } = agentWith();
    agent.accept(THEIRS, 0);
    const path = new FakePath(1);
    agent.handle(check(agent.local), path, 10);
    const [ours] = path.ofType(STUN_TYPE.request);
    assert.ok(ours);
    assert.equal(agent.handle(success(ours, "wrong"), path, 20), false);
    assert.equal(agent.handle(success(parseStun(REQUEST) ?? assert.fail()), path, 20), false);
    assert.equal(agent.handle(success(ours), path, 30), true);
    assert.equal(agent.handle(success(ours), path, 40), false, "answered once");
    assert.equal(agent.roundTripMs, 20);
  });

  it("[ICE3] answers, checks back until that is answered, and follows a nomination then", () => {
    const { agent, states, paths } = agentWith();
    agent.accept(THEIRS, 0);
    const [first, second] = [new FakePath(1), new FakePath(2)];
    agent.handle(check(agent.local), first, 10);
    agent.handle(check(agent.local), first, 20);
    assert.deepEqual([first.ofType(STUN_TYPE.success).length, first.ofType(STUN_TYPE.request).length], [2, 2]);
    const [ours] = first.ofType(STUN_TYPE.request);
    assert.equal(localFragmentOf(ours ?? assert.fail()), THEIRS.usernameFragment);
    agent.handle(success(ours ?? assert.fail()), first, 25);
    agent.handle(check(agent.local), first, 30);
    assert.equal(first.ofType(STUN_TYPE.request).length, 2, "it has answered");
    assert.deepEqual(paths, [first]);
    agent.handle(check(agent.local, { nominate: true }), second, 40);
    assert.equal(agent.path, first, "a forged source would get no media");
    const [back] = second.ofType(STUN_TYPE.request);
    assert.equal(agent.handle(success(back ?? assert.fail()), first, 50), false, "answered from elsewhere");
    assert.equal(agent.handle(success(back ?? assert.fail()), second, 50), true);
    assert.deepEqual(paths, [first, second]);
    assert.equal(agent.path, second);
    assert.deepEqual(states, ["checking", "connected"]);
  });

  it("[ICE3] keeps a bounded number of addresses", () => {
    const { agent } = agentWith();
    agent.accept(THEIRS, 0);
    let kept = 0;
    for (let port = 1; port <= 1000; port++) if (agent.handle(check(agent.local), new FakePath(port), port)) kept++;
    assert.equal(kept, 256);
  });

  it("[ICE4] fails when no check comes", () => {
    const { agent, states } = agentWith();
    agent.accept(THEIRS, 100);
    assert.equal(agent.deadlineMs, 30_100);
    agent.tick(30_099);
    agent.tick(30_100);
    assert.deepEqual(states, ["checking", "failed"]);
    assert.equal(agent.deadlineMs, undefined);
  });

  it("[ICE4] asks for consent, notices silence after 5 s, loss after 30 s, and life again at once", () => {
    const { agent, states } = agentWith();
    agent.accept(THEIRS, 0);
    const path = new FakePath(1);
    agent.handle(check(agent.local, { nominate: true }), path, 0);
    const runTo = (to: number) => {
      for (let at = agent.deadlineMs; at !== undefined && at <= to; at = agent.deadlineMs) agent.tick(at);
    };
    runTo(4999);
    assert.equal(agent.state, "connected");
    assert.ok(path.ofType(STUN_TYPE.request).length >= 4, "it asks more often once nothing is heard");
    runTo(5000);
    assert.equal(agent.state, "disconnected");
    agent.handle(success(path.ofType(STUN_TYPE.request).at(-1) ?? assert.fail()), path, 6000);
    assert.equal(agent.state, "connected");
    runTo(11_000);
    agent.heard(11_500);
    assert.equal(agent.state, "connected", "media is a sign of life too");
    runTo(60_000);
    assert.deepEqual(states.slice(-3), ["connected", "disconnected", "failed"]);
    assert.equal(agent.path, undefined, "without consent nothing is sent");
  });

  it("[ICE5] restarts beside the old path", () => {
    const { agent, states, paths, fragments } = agentWith();
    agent.accept(THEIRS, 0);
    const before = agent.local;
    const [old, fresh] = [new FakePath(1), new FakePath(2)];
    agent.handle(check(before, { nominate: true }), old, 10);
    assert.equal(agent.accept(THEIRS, 20), false, "the same offer again is no restart");
    assert.equal(agent.accept({ usernameFragment: "new1", password: "another-password-of-theirs" }, 20), true);
    assert.notEqual(agent.local.usernameFragment, before.usernameFragment);
    assert.deepEqual(fragments, new Set([before.usernameFragment, agent.local.usernameFragment]));
    assert.equal(agent.handle(check(before), old, 30), true, "the old path is still alive");
    agent.handle(check(agent.local), fresh, 40);
    assert.deepEqual(paths, [old, fresh]);
    assert.deepEqual(fragments, new Set([agent.local.usernameFragment]));
    assert.equal(agent.handle(check(before, { nominate: true }), old, 50), false, "and then no more");
    assert.deepEqual(states, ["checking", "connected"]);
    agent.close();
    assert.deepEqual([fragments.size, agent.state], [0, "closed"]);
  });

  it("[ICE7] follows media to a new address once that answers, and only while the known one is silent", () => {
    const { agent, paths, states } = agentWith();
    agent.accept(THEIRS, 0);
    const [known, fresh, forged] = [new FakePath(1), new FakePath(2), new FakePath(3)];
    agent.handle(check(agent.local, { nominate: true }), known, 10);
    agent.handle(success(known.ofType(STUN_TYPE.request)[0] ?? assert.fail()), known, 20);
    agent.mediaHeard(known, 1000);
    agent.mediaHeard(forged, 1050);
    assert.equal(forged.sent.length, 0, "the known address was heard just now");
    agent.mediaHeard(fresh, 1100);
    agent.mediaHeard(fresh, 1120);
    const asked = fresh.ofType(STUN_TYPE.request);
    assert.equal(asked.length, 1, "asked once, not for every packet");
    assert.equal(agent.path, known, "an address that did not answer gets no media");
    agent.mediaHeard(fresh, 1200);
    assert.equal(fresh.ofType(STUN_TYPE.request).length, 2);
    assert.equal(agent.handle(success(asked[0] ?? assert.fail(), "wrong"), fresh, 1210), false);
    assert.equal(agent.path, known);
    agent.handle(success(asked[0] ?? assert.fail()), fresh, 1220);
    assert.deepEqual([agent.path, paths, states], [fresh, [known, fresh], ["checking", "connected"]]);
    agent.mediaHeard(fresh, 1230);
    agent.mediaHeard(known, 1240);
    assert.equal(agent.path, fresh, "what was still under way from the old one moves nothing back");
  });

  for (const [order, offerFirst] of [
    ["before the offer", false],
    ["after the offer", true],
  ] as const) {
    it(`[ICE8] follows a restart whose new socket checks ${order}, with our old credentials`, () => {
      const { agent, paths, states } = agentWith();
      agent.accept(THEIRS, 0);
      const before = agent.local;
      const [old, fresh] = [new FakePath(1), new FakePath(2)];
      agent.handle(check(before, { nominate: true }), old, 10);
      agent.handle(success(old.ofType(STUN_TYPE.request)[0] ?? assert.fail()), old, 20);
      const anew = { usernameFragment: "new1", password: "another-password-of-theirs" };
      const early = { nominate: true, from: anew.usernameFragment };
      if (!offerFirst) {
        assert.equal(agent.handle(check(before, early), fresh, 3990), true);
        assert.equal(fresh.ofType(STUN_TYPE.request).length, 0, "nobody knows the password there yet");
      }
      assert.equal(agent.accept(anew, 4000), true);
      agent.handle(check(before, early), fresh, 4010);
      const ours = fresh.ofType(STUN_TYPE.request)[0] ?? assert.fail();
      assert.equal(localFragmentOf(ours), anew.usernameFragment, "what the new socket answers to");
      assert.equal(agent.path, old, "not before it has answered");
      agent.handle(success(ours, anew.password), fresh, 4020);
      assert.deepEqual([agent.path, paths, states], [fresh, [old, fresh], ["checking", "connected"]]);
      for (let at = agent.deadlineMs ?? 0; at < 12_000; at = agent.deadlineMs ?? 12_000) {
        agent.tick(at);
        agent.heard(at);
      }
      const consent = fresh.ofType(STUN_TYPE.request).at(-1) ?? assert.fail();
      assert.equal(localFragmentOf(consent), anew.usernameFragment, "and it is asked for consent by its own name");
      assert.equal(agent.handle(success(consent, anew.password), fresh, 12_100), true);
    });
  }

  it("[ICE6] answers a role conflict with 487", () => {
    const { agent, paths } = agentWith();
    agent.accept(THEIRS, 0);
    const path = new FakePath(1);
    agent.handle(check(agent.local, { controlled: true }), path, 10);
    const [error] = path.ofType(STUN_TYPE.error);
    assert.equal(error?.attributes.get(STUN_ATTRIBUTE.errorCode)?.subarray(2, 4).toString("hex"), "0457");
    assert.equal(paths.length, 0);
  });
});
