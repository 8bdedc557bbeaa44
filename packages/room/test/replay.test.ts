import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS, type Source } from "@lodeline/protocol";
import { LIVE, only, ops, RoomBench, sourcesWith, steps, told } from "./support/bench.ts";

const { receiptWindowMs } = DEFAULT_TIMERS;

function alone(topology: "sfu" | "mesh" = "sfu", source: Source = "camera"): RoomBench {
  const room = new RoomBench(topology);
  room.join("a", { sources: sourcesWith({ [source]: "live" }) });
  room.join("b", { sources: sourcesWith({}) });
  if (topology === "sfu") for (const who of ["a", "b"]) room.connect(who);
  room.sendsAll("a");
  room.receivesAll("b");
  room.take();
  return room;
}

function loses(room: RoomBench, who: string, publication: string): void {
  room.receipt(who, { received: [{ publication, received: false, count: 7 }] });
}

/** The steps of the next so many ms, each with the time since now. */
function timeline(room: RoomBench, ms: number): string[] {
  const began = room.now;
  const out: string[] = [];
  const note = () => {
    for (const one of steps(room.take())) out.push(`${room.now - began} ${one}`);
  };
  note();
  for (let i = 0; i < ms / 10; i++) {
    room.advance(10);
    note();
  }
  return out;
}

function arrives(room: RoomBench, publication: string, arriving: boolean): void {
  room.feed({ kind: "media-facts", publications: [{ publication, arriving }], subscriptions: [] });
}

function forwards(room: RoomBench, subscription: string, forwarded: boolean): void {
  room.feed({ kind: "media-facts", publications: [], subscriptions: [{ subscription, forwarded }] });
}

function transport(room: RoomBench, who: string, state: "connected" | "disconnected" | "failed" | "closed"): void {
  room.feed({ kind: "connection", participant: `p-${who}`, session: `s-${who}`, state });
}

describe("the ladder", () => {
  it("[LEDG9] takes its steps in time", () => {
    const room = alone();
    // Nothing else works over either connection.
    room.receipt("a", { published: [{ source: "camera", captured: true, sent: true }] });
    loses(room, "b", "p-a:camera");
    assert.deepEqual(timeline(room, 9_000), [
      "0 key-frame sfu",
      "700 reset-forwarder sfu",
      "1500 restart-ice p-b",
      "5500 republish p-a",
      "7000 new-session p-b",
    ]);
  });

  it("[LEDG13] has a request of its own before the rest, where it shared one that came before its fault", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    arrives(room, "p-a:camera", false);
    room.receipt("a", { published: [{ source: "camera", captured: false, sent: false }] });
    loses(room, "b", "p-a:camera");
    assert.deepEqual(timeline(room, 500), ["0 republish p-a"]);
    // That was done. What is sent now does not arrive: another fault, within the wait of the first.
    room.receipt("a", { published: [{ source: "camera", captured: true, sent: true }] });
    assert.deepEqual(timeline(room, 2_000), ["500 republish p-a (already)", "1000 republish p-a"]);
  });

  it("[LEDG9] leaves the connection alone where it carries something else", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    loses(room, "b", "p-a:camera");
    assert.deepEqual(timeline(room, 3_000), [
      "0 key-frame sfu",
      "700 reset-forwarder sfu",
      "1500 renegotiate p-b",
      "2500 republish p-a",
    ]);
  });

  it("[LEDG10] begins at the sender when the sender sends nothing", () => {
    const room = alone();
    room.receipt("a", { published: [{ source: "camera", captured: false, sent: false }] });
    arrives(room, "p-a:camera", false);
    room.take();
    loses(room, "b", "p-a:camera");
    const effects = room.effects;
    assert.deepEqual(steps(effects), ["republish p-a"]);
    const [repair] = told(effects, "a", "repair");
    assert.deepEqual(repair, {
      type: "repair",
      step: "republish",
      publication: "p-a:camera",
      subscription: "p-a:camera>p-b",
      why: "the sender sends nothing",
    });
    assert.deepEqual(told(effects, "b", "repair"), []);
    room.take();
    assert.deepEqual(timeline(room, 4_000), ["1500 republish p-a"], "its message may have been lost");
  });

  it("[LEDG10] climbs on the sender's side when its packets do not arrive", () => {
    const room = alone();
    arrives(room, "p-a:camera", false);
    room.take();
    loses(room, "b", "p-a:camera");
    assert.deepEqual(timeline(room, 6_000), ["0 republish p-a", "1500 restart-ice p-a", "5500 new-session p-a"]);
  });

  it("[LEDG10] asks the receiver to negotiate when it has no slot", () => {
    const room = new RoomBench("sfu");
    room.join("a", { sources: sourcesWith({ camera: "live" }) });
    room.join("b", { sources: sourcesWith({}) });
    room.connect("a");
    room.connect("b", { sends: [], receives: [] });
    room.sendsAll("a");
    room.take();
    room.advance(receiptWindowMs);
    assert.deepEqual(steps(room.take()), ["renegotiate p-b"]);
  });

  it("[LEDG22] restarts ICE first where a connection carries nothing of several tracks, and not where it carries one", () => {
    for (const works of [false, true]) {
      const room = new RoomBench("sfu");
      room.join("a", { sources: sourcesWith({ camera: "live", microphone: "live" }) });
      room.join("b", { sources: sourcesWith({}) });
      for (const who of ["a", "b"]) room.connect(who);
      room.sendsAll("a");
      room.receivesAll("b");
      room.take();
      if (!works) loses(room, "b", "p-a:microphone");
      room.take();
      loses(room, "b", "p-a:camera");
      assert.deepEqual(steps(room.take()), [works ? "key-frame sfu" : "restart-ice p-b"]);
    }
  });

  it("[LEDG11] asks for no key frame of audio and resets no forwarder in a mesh", () => {
    const sfu = alone("sfu", "microphone");
    loses(sfu, "b", "p-a:microphone");
    assert.equal(timeline(sfu, 2_000)[0], "0 reset-forwarder sfu");
    const mesh = alone("mesh");
    loses(mesh, "b", "p-a:camera");
    const session = mesh.state.snapshot.pairs[0]?.session;
    assert.deepEqual(timeline(mesh, 7_000), ["0 republish p-a", "1500 restart-ice p-b", "5500 new-session p-a"]);
    assert.notEqual(mesh.state.snapshot.pairs[0]?.session, session, "the pair was renewed");
    assert.equal(mesh.row("a", "camera", "b").standing, "pending");
  });

  it("[LEDG12] leaves alone what works for somebody else", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b", "c");
    loses(room, "b", "p-a:camera");
    const asked = timeline(room, 30_000);
    assert.ok(asked.length >= 6, asked.join());
    assert.ok(!asked.some((one) => /republish|restart-ice|new-session/.test(one)), asked.join());
    const mesh = new RoomBench("mesh");
    mesh.settle("a", "b", "c");
    const sessions = mesh.state.snapshot.pairs.map((one) => one.session);
    loses(mesh, "b", "p-a:camera");
    assert.deepEqual(
      [...new Set(timeline(mesh, 30_000).map((one) => one.split(" ")[1]))],
      ["renegotiate", "republish"],
    );
    assert.deepEqual(
      mesh.state.snapshot.pairs.map((one) => one.session),
      sessions,
    );
  });

  it("[LEDG13] asks a sender whose connection is down for one ICE restart, whoever misses it", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b", "c", "d");
    transport(room, "a", "disconnected");
    for (const source of ["camera", "microphone"]) arrives(room, `p-a:${source}`, false);
    room.take();
    for (const who of ["b", "c", "d"]) {
      for (const source of ["camera", "microphone"]) loses(room, who, `p-a:${source}`);
    }
    const effects = room.take();
    assert.equal(only(effects, "replay").length, 6);
    assert.equal(only(effects, "replay").filter((one) => one.asked).length, 1);
    const repairs = only(effects, "tell").filter((one) => one.message.type === "repair");
    assert.deepEqual(
      repairs.map((one) => [one.link, one.message.type === "repair" && one.message.step]),
      [["l-a", "restart-ice"]],
    );
    assert.deepEqual(ops(effects), []);
    assert.equal(room.row("b", "camera", "c").standing, "received", "nobody else's row changes");
  });

  it("[LEDG14] asks for a key frame as soon as packets arrive again", () => {
    const room = alone();
    arrives(room, "p-a:camera", false);
    forwards(room, "p-a:camera>p-b", false);
    loses(room, "b", "p-a:camera");
    room.advance(2_000);
    room.take();
    arrives(room, "p-a:camera", true);
    assert.deepEqual(steps(room.take()), ["key-frame sfu"]);
    assert.deepEqual(ops(room.effects), []);
  });

  it("[LEDG14] gives media a moment when something helped", () => {
    const room = alone("sfu", "microphone");
    forwards(room, "p-a:microphone>p-b", false);
    loses(room, "b", "p-a:microphone");
    room.take();
    room.advance(200);
    forwards(room, "p-a:microphone>p-b", true);
    assert.deepEqual(timeline(room, 490), []);
    assert.deepEqual(timeline(room, 20), ["10 reset-forwarder sfu"]);
  });

  it("[LEDG14] looks at the one track again as soon as another comes over the connection that was at fault", () => {
    const room = new RoomBench("sfu");
    room.join("a", { sources: sourcesWith({ camera: "live", microphone: "live" }) });
    room.join("b", { sources: sourcesWith({}) });
    for (const who of ["a", "b"]) room.connect(who);
    room.sendsAll("a");
    room.receivesAll("b");
    loses(room, "b", "p-a:microphone");
    loses(room, "b", "p-a:camera");
    assert.ok(steps(room.take()).includes("restart-ice p-b"));
    room.advance(300);
    room.receipt("b", { received: [{ publication: "p-a:microphone", received: true, count: 9 }] });
    assert.deepEqual(timeline(room, 1_000), ["0 key-frame sfu", "700 reset-forwarder sfu"]);
  });

  it("[LEDG14] is not held down by facts that flap", () => {
    const room = alone();
    loses(room, "b", "p-a:camera");
    const names: string[] = [];
    for (let i = 0; i < 60; i++) {
      arrives(room, "p-a:camera", i % 2 === 0);
      room.advance(300);
      names.push(...steps(room.take()));
    }
    assert.ok(names.length < 40, `${names.length} steps in 18 s`);
    assert.ok(
      names.some((one) => /restart-ice|new-session/.test(one)),
      names.join(),
    );
  });

  it("[LEDG15] rests when nothing more can help, longer each time", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b", "c");
    loses(room, "b", "p-a:camera");
    const starts = timeline(room, 200_000)
      .filter((one) => one.includes("key-frame"))
      .map((one) => Number(one.split(" ")[0]));
    const ladderMs = 2_500;
    const rests = starts.slice(1).map((at, i) => at - (starts[i] ?? 0) - ladderMs);
    const [first = 0, ...others] = rests;
    assert.deepEqual(
      [first - 1_000, ...others],
      [5_000, 10_000, 20_000, 40_000, 40_000, 40_000],
      "asked twice at first",
    );
  });

  it("[LEDG15] asks once more for what it has asked somebody for, before the first rest alone", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b", "c");
    loses(room, "b", "p-a:camera");
    assert.deepEqual(timeline(room, 12_000), [
      "0 key-frame sfu",
      "700 reset-forwarder sfu",
      "1500 renegotiate p-b",
      "2500 renegotiate p-b",
      "8500 key-frame sfu",
      "9200 reset-forwarder sfu",
      "10000 renegotiate p-b",
    ]);
  });

  it("[LEDG16] ends when the media is received or no longer intended, and says so", () => {
    const room = alone();
    loses(room, "b", "p-a:camera");
    room.advance(1_000);
    room.take();
    room.receipt("b", { received: [{ publication: "p-a:camera", received: true, count: 9 }] });
    assert.deepEqual(only(room.take(), "replay-over"), [
      {
        kind: "replay-over",
        subscription: "p-a:camera>p-b",
        step: "reset-forwarder",
        attempt: 2,
        why: "received",
        tookMs: 1_000,
      },
    ]);
    assert.deepEqual(timeline(room, 10_000), []);
    loses(room, "b", "p-a:camera");
    room.take();
    room.setMedia("a", sourcesWith({ camera: "muted" }));
    assert.equal(only(room.take(), "replay-over")[0]?.why, "not-intended");
    assert.deepEqual(timeline(room, 10_000), []);
  });

  it("[LEDG17] waits while the receiver's link is lost, and begins anew when it is back", () => {
    const room = alone();
    loses(room, "b", "p-a:camera");
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.take();
    assert.deepEqual(timeline(room, 10_000), []);
    room.feed({ kind: "link-back", participant: "p-b", link: "l-b" });
    assert.equal(timeline(room, 10)[0], "0 key-frame sfu");
  });

  it("[LEDG17] gives pending rows a new window after a lost link", () => {
    const room = alone();
    room.setMedia("a", LIVE);
    room.sendsAll("a");
    room.advance(1_000);
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.advance(8_000);
    assert.equal(room.row("a", "microphone", "b").standing, "pending");
    room.feed({ kind: "link-back", participant: "p-b", link: "l-b" });
    room.advance(receiptWindowMs - 1);
    assert.equal(room.row("a", "microphone", "b").standing, "pending");
    room.advance(1);
    assert.equal(room.row("a", "microphone", "b").standing, "missing");
  });

  it("[LEDG17] keeps what is known of the forwarders of a returned link, and so finds the path at fault", () => {
    const room = new RoomBench("sfu");
    room.join("a", { sources: sourcesWith({ camera: "live", microphone: "live" }) });
    room.join("b", { sources: sourcesWith({}) });
    for (const who of ["a", "b"]) room.connect(who);
    room.sendsAll("a");
    for (const source of ["camera", "microphone"]) forwards(room, `p-a:${source}>p-b`, true);
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.advance(1_000);
    room.feed({ kind: "link-back", participant: "p-b", link: "l-b" });
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    assert.ok(room.row("a", "camera", "b").forwarded.value);
    room.take();
    room.advance(receiptWindowMs);
    assert.deepEqual(steps(room.take()), ["restart-ice p-b", "restart-ice p-b (already)"]);
  });

  it("[LEDG17] asks nothing of a sender whose link is lost", () => {
    const room = alone();
    arrives(room, "p-a:camera", false);
    room.feed({ kind: "link-lost", participant: "p-a", link: "l-a" });
    room.take();
    loses(room, "b", "p-a:camera");
    assert.deepEqual(timeline(room, 4_000), []);
    assert.equal(room.row("a", "camera", "b").standing, "missing");
    room.feed({ kind: "link-back", participant: "p-a", link: "l-a" });
    assert.equal(timeline(room, 10)[0], "0 republish p-a");
  });

  it("[LEDG18] begins at the receiver's word and leaves a running one alone", () => {
    const room = alone();
    const { seq } = room.state;
    const slots = room.place("b").slots.revision;
    const request = { type: "replay-request", publication: "p-a:camera", seen: seq, slots, why: "frozen" } as const;
    room.say("b", request);
    assert.equal(room.row("a", "camera", "b").received.value, false);
    assert.deepEqual(steps(room.take()), ["key-frame sfu"]);
    room.say("b", request);
    assert.deepEqual(room.take(), []);
    room.say("b", { ...request, slots: slots - 1 });
    assert.deepEqual(
      told(room.take(), "b").map((one) => one.type),
      ["slots"],
    );
  });

  it("[LEDG18] answers a request for what is not there with the ledger, or the reason", () => {
    const room = alone();
    const { seq: seen } = room.state;
    const ask = (publication: string) => {
      room.say("b", { type: "replay-request", publication, seen, slots: 99, why: "?" });
      return told(room.take(), "b");
    };
    const [ledger] = ask("p-a:screen");
    assert.equal(ledger?.type === "ledger" && ledger.whole, true);
    const [error] = ask("nonsense");
    assert.equal(error?.type === "error" && error.code, "room/unknown-publication");
  });

  it("[LEDG18] does not begin one before media could flow", () => {
    const room = new RoomBench("sfu");
    room.join("a");
    room.join("b");
    const { seq: seen } = room.state;
    room.say("b", { type: "replay-request", publication: "p-a:camera", seen, slots: 0, why: "impatient" });
    assert.equal(room.row("a", "camera", "b").standing, "pending");
  });

  it("[LEDG19] gives a first connection its time", () => {
    const room = new RoomBench("sfu", { settings: { setupMs: 15_000 } });
    room.join("a");
    room.join("b");
    room.connect("a");
    room.take();
    assert.deepEqual(timeline(room, 14_980), []);
    room.advance(100);
    assert.ok(steps(room.take()).includes("new-session p-b"));
  });

  it("[LEDG19] asks nobody who has just come back for another session", () => {
    const room = alone();
    room.join("a", {
      link: "l-a2",
      command: "again",
      rejoin: { participant: "p-a", token: "t-a" },
      sources: sourcesWith({ camera: "live" }),
      session: "s-a2",
    });
    // The last frames of the session before are still being played, and then they are not.
    for (const received of [true, false]) {
      room.receipt("b", { received: [{ publication: "p-a:camera", received, count: 9 }] });
    }
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    assert.deepEqual(timeline(room, 14_000), []);
  });

  it("[LEDG19] lets a session that was begun late connect", () => {
    const room = new RoomBench("sfu");
    room.join("a", { sources: sourcesWith({ camera: "live" }) });
    room.connect("a");
    room.sendsAll("a");
    room.join("b", { sources: sourcesWith({}), session: undefined });
    room.take();
    room.advance(15_000);
    assert.deepEqual(steps(room.take()), ["new-session p-b"]);
    room.feed({ kind: "connection", participant: "p-b", session: "s-late", state: "connecting" });
    assert.deepEqual(timeline(room, 14_900), []);
  });

  it("[LEDG19] gives a mesh pair its time, but repeats what was said at the receiver's word", () => {
    const room = new RoomBench("mesh");
    room.join("a");
    room.join("b");
    const session = room.state.snapshot.pairs[0]?.session ?? "";
    const body = { kind: "offer", offer: { sdp: "v=0", sends: [], receives: [] } } as const;
    const offer = { session, epoch: 1, seq: 1, body: { ...body, offer: { sdp: "v=0", sends: [], receives: [] } } };
    room.say("b", { type: "signal", scope: "room", to: "p-a", signal: offer });
    const answer = { session, epoch: 1, seq: 1, body: { kind: "answer", sdp: "v=0" } } as const;
    room.say("a", { type: "signal", scope: "room", to: "p-b", signal: answer });
    room.sendsAll("a");
    room.advance(2_000);
    room.take();
    const { seq: seen } = room.state;
    room.say("b", { type: "replay-request", publication: "p-a:camera", seen, slots: 0, why: "nothing yet" });
    const effects = room.take();
    assert.deepEqual(steps(effects), ["tell-again p-b"]);
    assert.deepEqual(
      only(effects, "forward").map((one) => [one.link, one.signal.body.kind]),
      [
        ["l-a", "offer"],
        ["l-b", "answer"],
      ],
    );
    assert.deepEqual(timeline(room, 12_000), []);
    assert.equal(room.state.snapshot.pairs[0]?.session, session);
    assert.ok(timeline(room, 6_000).some((one) => one.includes("new-session") || one.includes("renegotiate")));
  });
});
