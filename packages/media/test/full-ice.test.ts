import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, type MonoMs, type Random, seededRandom, unit } from "@lodeline/base";
import {
  type CandidatePair,
  candidatePriority,
  type IceBase,
  pairPriority,
  type RemoteCandidate,
} from "../src/ice/candidate-pair.ts";
import { FullIceAgent } from "../src/ice/full-ice-agent.ts";
import { IceAgent } from "../src/ice/ice-agent.ts";
import type { IceRole } from "../src/ice/ice-role.ts";
import type { IcePath, IceState } from "../src/ice/ice-types.ts";
import { encodeStun, parseStun, STUN_ATTRIBUTE, STUN_TYPE, type StunMessage } from "../src/ice/stun-message.ts";

const DELAY_MS = 10;

/** Who takes datagrams on an address. */
interface Listener {
  handle(bytes: Buffer, from: IceBase): void;
}

/** Addresses and what carries datagrams between them, in virtual time. */
class Network {
  now: MonoMs = 1000;
  readonly random: Random;
  loss = 0;
  /** Ways that are shut, as "from>to", each an address. */
  readonly shut = new Set<string>();
  readonly listeners = new Map<string, Listener>();
  readonly sent: { readonly from: string; readonly to: string; readonly message: StunMessage | undefined }[] = [];
  #flying: { readonly at: MonoMs; readonly to: string; readonly from: IceBase; readonly bytes: Buffer }[] = [];

  constructor(seed = 1) {
    this.random = seededRandom(seed);
  }

  /** A socket. Whoever listens there is set later. */
  socket(address: string, port: number): IceBase {
    const base: IceBase = {
      address,
      port,
      send: (bytes, to, toPort) => {
        this.sent.push({ from: address, to, message: parseStun(Buffer.from(bytes)) });
        if (this.shut.has(`${address}>${to}`) || unit(this.random) < this.loss) return;
        const at = this.now + DELAY_MS + integer(this.random, 6);
        this.#flying.push({ at, to: `${to} ${toPort}`, from: base, bytes: Buffer.from(bytes) });
      },
    };
    return base;
  }

  /** Runs everybody for a while, or until something is so. @returns Whether it came to be. */
  run(ms: number, ends: readonly { tick(now: MonoMs): void; deadlineMs: MonoMs | undefined }[], done = () => false) {
    const until = this.now + ms;
    for (let steps = 0; !done(); steps++) {
      assert.ok(steps < 100_000, "something is due for ever");
      const next = Math.min(
        ...ends.map(({ deadlineMs }) => deadlineMs ?? Infinity),
        ...this.#flying.map(({ at }) => at),
      );
      if (next > until) {
        this.now = until;
        return done();
      }
      this.now = Math.max(this.now, next);
      const arrived = this.#flying.filter(({ at }) => at <= this.now);
      this.#flying = this.#flying.filter(({ at }) => at > this.now);
      for (const { to, from, bytes } of arrived) this.listeners.get(to)?.handle(bytes, from);
      for (const end of ends) if ((end.deadlineMs ?? Infinity) <= this.now) end.tick(this.now);
    }
    return true;
  }
}

/** A full agent on a network. */
class End {
  readonly agent: FullIceAgent;
  readonly states: IceState[] = [];
  readonly pairs: string[] = [];
  /** Pairs that work while none is in use, and the state then. */
  readonly valid: string[] = [];
  readonly bases: readonly IceBase[];
  readonly #network: Network;

  constructor(network: Network, role: IceRole, addresses: readonly string[], seed: number) {
    this.#network = network;
    this.bases = addresses.map((address, index) => network.socket(address, 4000 + index));
    this.agent = new FullIceAgent({
      role,
      bases: this.bases,
      random: seededRandom(seed),
      events: {
        onState: (state) => this.states.push(state),
        onValid: ({ base, remote }) => this.valid.push(`${base.address} ${remote.address} ${this.agent.state}`),
        onPair: ({ base, remote }) => this.pairs.push(`${base.address} ${remote.address}`),
      },
    });
    for (const base of this.bases) {
      network.listeners.set(`${base.address} ${base.port}`, {
        handle: (bytes, from) => {
          const message = parseStun(bytes) ?? assert.fail();
          this.agent.handle(message, base, from.address, from.port, network.now);
        },
      });
    }
  }

  get candidates(): RemoteCandidate[] {
    return this.bases.map(({ address, port }, rank) => ({
      foundation: String(rank + 1),
      priority: candidatePriority("host", rank),
      address,
      port,
      type: "host",
    }));
  }

  /** Takes the other's description. */
  meet(other: End, candidates = other.candidates): void {
    this.agent.start(other.agent.local, candidates, this.#network.now);
  }
}

function two(network: Network, roles: readonly [IceRole, IceRole] = ["controlling", "controlled"]) {
  const left = new End(network, roles[0], ["192.0.2.1", "2001:db8::1"], 11);
  const right = new End(network, roles[1], ["192.0.2.2", "2001:db8::2"], 12);
  return { left, right, agents: [left.agent, right.agent] };
}

const connected = (...ends: readonly End[]) => ends.every(({ agent }) => agent.state === "connected");
const wayOf = (pair: CandidatePair | undefined) => pair && [pair.base.address, pair.remote.address].sort().join(" ");

describe("a full ICE agent", () => {
  it("[FICE1] orders candidates and pairs by the RFC's formulas, alike at both ends", () => {
    assert.equal(candidatePriority("host", 0), 2_130_706_431);
    assert.equal(candidatePriority("srflx", 0), 1_694_498_815);
    const remote = { foundation: "1", priority: 1_694_498_815, address: "192.0.2.9", port: 1, type: "srflx" } as const;
    const pair = { localPriority: 2_130_706_431, remote } as CandidatePair;
    const mirrored = {
      localPriority: remote.priority,
      remote: { ...remote, priority: 2_130_706_431 },
    } as CandidatePair;
    assert.equal(pairPriority(pair, true), 1_694_498_815n * 2n ** 32n + 2n * 2_130_706_431n + 1n);
    assert.equal(pairPriority(mirrored, false), pairPriority(pair, true));
    assert.equal(pairPriority(pair, false), pairPriority(pair, true) - 1n);
  });

  it("[FICE2] pairs within a family, and both ends use the best pair, by one nomination", () => {
    const network = new Network();
    const { left, right, agents } = two(network);
    left.meet(right);
    right.meet(left);
    assert.ok(network.run(3000, agents, () => connected(left, right)));
    network.run(500, agents);
    assert.equal(wayOf(left.agent.selected), "192.0.2.1 192.0.2.2");
    assert.equal(wayOf(right.agent.selected), "192.0.2.1 192.0.2.2");
    assert.deepEqual([left.pairs.length, right.pairs.length], [1, 1]);
    const nominations = network.sent.filter(({ message }) => message?.attributes.has(STUN_ATTRIBUTE.useCandidate));
    assert.equal(nominations.length, 1);
    assert.equal(nominations[0]?.from, "192.0.2.1");
    assert.ok(network.sent.every(({ from, to }) => from.includes(":") === to.includes(":")));
  });

  for (const from of ["192.0.2.1", "192.0.2.2"]) {
    it(`[FICE2] a pair that carries nothing from ${from} is passed over, for IPv6`, () => {
      const network = new Network();
      const { left, right, agents } = two(network);
      network.shut.add(from === "192.0.2.1" ? "192.0.2.1>192.0.2.2" : "192.0.2.2>192.0.2.1");
      left.meet(right);
      right.meet(left);
      assert.ok(network.run(3000, agents, () => connected(left, right)));
      assert.equal(wayOf(left.agent.selected), "2001:db8::1 2001:db8::2");
      assert.equal(wayOf(right.agent.selected), "2001:db8::1 2001:db8::2");
    });
  }

  it("[FICE2] an earlier check that is answered late does not pass for the nomination", () => {
    const network = new Network();
    const left = new End(network, "controlling", ["192.0.2.1"], 11);
    const theirs = { usernameFragment: "thrs", password: "their-password-of-some-length" };
    const remote = { foundation: "1", priority: 2_130_706_431, address: "192.0.2.2", port: 9, type: "host" } as const;
    const [base] = left.bases;
    assert.ok(base);
    const comes = (type: number, id: Buffer, attributes: readonly (readonly [number, Buffer])[], password: string) => {
      const message = parseStun(encodeStun(type, id, attributes, password)) ?? assert.fail();
      assert.ok(left.agent.handle(message, base, "192.0.2.2", 9, network.now));
    };
    const checks = () => network.sent.flatMap(({ message }) => (message?.type === STUN_TYPE.request ? [message] : []));
    const answer = (check: StunMessage | undefined) =>
      comes(STUN_TYPE.success, check?.transactionId ?? assert.fail(), [], theirs.password);
    const pass = () => {
      network.now += 50;
      left.agent.tick(network.now);
    };
    left.agent.start(theirs, [remote], network.now);
    left.agent.tick(network.now);
    const { usernameFragment, password } = left.agent.local;
    const username = [STUN_ATTRIBUTE.username, Buffer.from(`${usernameFragment}:thrs`)] as const;
    comes(STUN_TYPE.request, Buffer.alloc(12, 1), [username], password);
    pass();
    const [first, second] = checks();
    answer(first);
    left.agent.tick(network.now);
    answer(second);
    pass();
    const nomination = checks().at(-1);
    assert.ok(nomination?.attributes.has(STUN_ATTRIBUTE.useCandidate));
    answer(nomination);
    assert.equal(left.agent.state, "connected");
  });

  it("[FICE2] fails when nothing is answered for the checking timeout", () => {
    const network = new Network();
    network.loss = 1;
    const { left, right, agents } = two(network);
    left.meet(right);
    assert.equal(
      network.run(40_000, agents, () => left.agent.state === "failed"),
      true,
    );
    assert.equal(left.agent.deadlineMs, undefined);
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`[FICE3] a link that loses three in ten only delays, seed ${seed}`, () => {
      const network = new Network(seed);
      network.loss = 0.3;
      const { left, right, agents } = two(network);
      left.meet(right);
      right.meet(left);
      assert.ok(
        network.run(
          30_000,
          agents,
          () => connected(left, right) && wayOf(left.agent.selected) === wayOf(right.agent.selected),
        ),
      );
    });
  }

  it("[FICE4] a check from an address that nobody announced makes a pair of its own", () => {
    const network = new Network();
    const { left, right, agents } = two(network);
    left.meet(right, []);
    right.meet(left);
    assert.ok(network.run(3000, agents, () => connected(left, right)));
    assert.equal(left.agent.selected?.remote.type, "prflx");
    assert.equal(wayOf(left.agent.selected), wayOf(right.agent.selected));
  });

  for (const role of ["controlling", "controlled"] as const) {
    it(`[FICE5] two that are ${role} come to one of each`, () => {
      const network = new Network();
      const { left, right, agents } = two(network, [role, role]);
      left.meet(right);
      right.meet(left);
      assert.ok(network.run(5000, agents, () => connected(left, right)));
      assert.deepEqual([left.agent.role, right.agent.role].sort(), ["controlled", "controlling"]);
      assert.equal(wayOf(left.agent.selected), wayOf(right.agent.selected));
    });
  }

  it("[FICE6] asks for consent, tells silence, and fails when it lasts", () => {
    const network = new Network();
    const { left, right, agents } = two(network);
    left.meet(right);
    right.meet(left);
    network.run(3000, agents, () => connected(left, right));
    network.run(20_000, agents);
    assert.deepEqual(left.states, ["checking", "connected"]);
    const before = network.sent.length;
    network.run(10_000, agents);
    // Each asks every 1.6 to 2.4 s and answers the other.
    assert.ok(network.sent.length - before <= 28, `${network.sent.length - before} messages in 10 s`);
    network.loss = 1;
    network.run(8000, agents);
    assert.equal(left.agent.state, "disconnected");
    network.loss = 0;
    network.run(2000, agents);
    assert.equal(left.agent.state, "connected");
    network.loss = 1;
    network.run(40_000, agents);
    assert.deepEqual([left.agent.state, left.agent.selected, left.agent.deadlineMs], ["failed", undefined, undefined]);
  });

  it("[FICE7] a restart goes on by the old pair until there is a new one, and no state is left", () => {
    const network = new Network();
    const { left, right, agents } = two(network);
    left.meet(right);
    right.meet(left);
    network.run(3000, agents, () => connected(left, right));
    const before = left.agent.local.usernameFragment;
    network.shut.add("192.0.2.1>192.0.2.2");
    left.agent.restart();
    right.agent.restart();
    assert.notEqual(left.agent.local.usernameFragment, before);
    network.run(100, agents);
    assert.equal(wayOf(left.agent.selected), "192.0.2.1 192.0.2.2");
    left.meet(right);
    right.meet(left);
    assert.ok(network.run(3000, agents, () => left.pairs.length === 2 && right.pairs.length === 2));
    assert.equal(wayOf(left.agent.selected), "2001:db8::1 2001:db8::2");
    assert.deepEqual(left.states, ["checking", "connected"]);
  });

  it("[FICE10] tells the first pair that works before one is in use, and how long the way is", () => {
    const network = new Network();
    const { left, right, agents } = two(network);
    left.meet(right);
    right.meet(left);
    network.run(3000, agents, () => connected(left, right));
    assert.deepEqual(left.valid, ["192.0.2.1 192.0.2.2 checking"]);
    const { roundTripMs = 0 } = left.agent;
    assert.ok(roundTripMs >= 2 * DELAY_MS && roundTripMs <= 2 * DELAY_MS + 12, `${roundTripMs} ms`);
    left.agent.restart();
    right.agent.restart();
    left.meet(right);
    right.meet(left);
    network.run(3000, agents, () => left.pairs.length === 2 && right.pairs.length === 2);
    assert.equal(left.valid.length, 1);
  });

  it("[FICE8] what does not prove the password is not answered and changes nothing", () => {
    const network = new Network();
    const { left, right } = two(network);
    left.meet(right);
    const [base] = left.bases;
    assert.ok(base);
    const forge = (type: number, fragment: string, password: string) =>
      parseStun(
        encodeStun(
          type,
          Buffer.alloc(12, 7),
          [
            [STUN_ATTRIBUTE.username, Buffer.from(`${fragment}:x`)],
            [STUN_ATTRIBUTE.iceControlled, Buffer.alloc(8)],
            [STUN_ATTRIBUTE.priority, Buffer.alloc(4, 1)],
          ],
          password,
        ),
      ) ?? assert.fail();
    const { usernameFragment } = left.agent.local;
    for (const message of [
      forge(STUN_TYPE.request, usernameFragment, "another password"),
      forge(STUN_TYPE.request, "another", left.agent.local.password),
      forge(STUN_TYPE.success, usernameFragment, right.agent.local.password),
      forge(STUN_TYPE.error, usernameFragment, right.agent.local.password),
    ]) {
      assert.equal(left.agent.handle(message, base, "198.51.100.9", 9, network.now), false);
    }
    assert.equal(network.sent.length, 0);
    assert.equal(left.agent.role, "controlling");
  });

  it("[FICE9] connects to the engine's own agent, which only answers", () => {
    const network = new Network();
    const left = new End(network, "controlling", ["192.0.2.1"], 21);
    const socket = network.socket("192.0.2.7", 7000);
    const paths: IcePath[] = [];
    const lite = new IceAgent({
      random: seededRandom(22),
      events: { onState: () => {}, onPath: (path) => paths.push(path), onCredentials: () => {} },
    });
    const known = new Map<string, IcePath>();
    network.listeners.set("192.0.2.7 7000", {
      handle: (bytes, { address, port }) => {
        const key = `${address} ${port}`;
        const path = known.get(key) ?? { address, port, send: (out: Uint8Array) => socket.send(out, address, port) };
        known.set(key, path);
        lite.handle(parseStun(bytes) ?? assert.fail(), path, network.now);
      },
    });
    lite.accept(left.agent.local, network.now);
    const theirs = {
      foundation: "1",
      priority: 2_130_706_431,
      address: "192.0.2.7",
      port: 7000,
      type: "host",
    } as const;
    left.agent.start(lite.local, [theirs], network.now);
    assert.ok(network.run(3000, [left.agent, lite], () => lite.state === "connected" && connected(left)));
    network.run(60_000, [left.agent, lite]);
    assert.deepEqual([left.agent.state, lite.state, paths.length], ["connected", "connected", 1]);
  });
});
