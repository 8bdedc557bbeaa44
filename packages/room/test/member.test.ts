import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { nextCommandId, ownSources } from "@lodeline/room";
import { only } from "./support/bench.ts";
import { CAMERA, ME, MemberBench, OFFER, person, sent } from "./support/member-bench.ts";

const { commandMs } = DEFAULT_TIMERS;

describe("joining", () => {
  it("[MEM1] gives the place first, then what hangs on it", () => {
    const member = new MemberBench();
    const [join] = sent(member.ask(), "join");
    assert.equal(join?.sources.camera.intent, "live");
    const effects = member.joined(member.room(person("a", CAMERA)), { answer: { session: "s1", sdp: "v=0" } });
    assert.deepEqual(
      effects.map((one) => one.kind),
      ["joined", "command-done", "sfu-answer", "pair", "expect", "changed"],
    );
    const { phase } = member.state;
    assert.equal(phase.kind === "in" && phase.mirror.rejoinToken, "token1");
  });

  it("[MEM1] ignores what an earlier place is still told", () => {
    const member = new MemberBench("sfu");
    member.ask();
    // A higher revision than any the new place will soon have.
    member.hears({ type: "slots", table: { revision: 4, slots: [] } });
    const event = { kind: "peer-left", participant: "a", reason: "left" } as const;
    member.hears({ type: "room-event", room: "r", events: [{ seq: 6, at: 0, event }] });
    member.joined(member.room(person("a", CAMERA)));
    assert.equal(member.mirror.room.participants.length, 2);
    const table = { revision: 1, slots: [{ mid: "v0", publication: "a:camera" }] };
    assert.equal(only(member.hears({ type: "slots", table }), "slots").length, 1);
    assert.deepEqual(member.mirror.slots, table);
  });

  it("[MEM1] takes no answer to another join", () => {
    const member = new MemberBench();
    member.ask();
    assert.deepEqual(member.joined(member.room(), { id: "other" }), []);
  });

  it("[MEM2] asks again under the same id and gives up in time", () => {
    const member = new MemberBench();
    const [first] = sent(member.ask(), "join");
    member.take();
    for (const waitMs of [400, 400, 800, 1_600, 3_200]) {
      member.advance(waitMs - 1);
      assert.deepEqual(sent(member.take(), "join"), []);
      member.advance(1);
      assert.deepEqual(sent(member.take(), "join"), [first]);
    }
    member.advance(commandMs - 6_401);
    assert.equal(member.state.phase.kind, "joining");
    member.take();
    member.advance(1);
    assert.equal(member.state.phase.kind, "out");
    assert.equal(only(member.take(), "command-done")[0]?.error?.code, "timeout");
    assert.equal(member.machine.deadline(member.state), undefined);
  });

  it("[MEM2] stands still while the link is not open", () => {
    const member = new MemberBench();
    member.feed({ kind: "link", open: false });
    assert.deepEqual(sent(member.ask(), "join"), [], "kept");
    assert.equal(member.machine.deadline(member.state), undefined);
    member.advance(commandMs * 5);
    assert.equal(sent(member.feed({ kind: "link", open: true }), "join").length, 1);
    member.feed({ kind: "link", open: false });
    member.advance(commandMs * 5);
    member.take();
    assert.deepEqual(sent(member.feed({ kind: "link", open: true }), "join"), [], "the link itself resends");
    member.advance(commandMs - 1);
    assert.equal(member.state.phase.kind, "joining");
  });

  it("[MEM2] does not take `later` for an answer", () => {
    const member = new MemberBench();
    member.ask();
    const { phase } = member.state;
    const id = phase.kind === "joining" ? phase.command : "";
    member.hears({ type: "error", id, code: "protocol/rate-limited", reason: "slower" });
    assert.equal(member.state.phase.kind, "joining");
    member.hears({ type: "error", id, code: "room/locked", reason: "locked" });
    assert.equal(member.state.phase.kind, "out");
    assert.equal(only(member.take(), "command-done")[0]?.error?.code, "room/locked");
  });
});

describe("coming back", () => {
  it("[MEM3] takes the place again in a mesh at once", () => {
    const member = new MemberBench().inside(person("a"));
    const [join] = sent(member.feed({ kind: "renewed" }), "join");
    assert.deepEqual(join?.rejoin, { participant: "me", token: "token1" });
    assert.equal(join.session, undefined);
    const effects = member.joined(
      { ...member.room(person("a")), pairs: [{ a: "a", b: "me", session: "new", initiatorId: "me" }] },
      { incarnation: 2, rejoinToken: "token2" },
    );
    assert.equal(only(effects, "joined")[0]?.rejoined, true);
    assert.deepEqual(
      only(effects, "pair-over").map((one) => [one.remote, one.session, one.reason]),
      [["a", "me.a", "renewed"]],
    );
    assert.equal(only(effects, "pair")[0]?.pair.session, "new");
  });

  it("[MEM3] asks for a fresh offer in an sfu room", () => {
    const member = new MemberBench("sfu").inside();
    const effects = member.feed({ kind: "renewed" });
    assert.equal(only(effects, "need-offer").length, 1);
    assert.deepEqual(sent(effects, "join"), []);
    const offer = { ...OFFER, session: "s2" };
    const [join] = sent(member.feed({ kind: "offer", offer }), "join");
    assert.equal(join?.session?.session, "s2");
    assert.equal(join.rejoin?.token, "token1");
    assert.deepEqual(member.feed({ kind: "offer", offer }), [], "one is enough");
  });

  it("[MEM3] joins as new when the place is gone", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    const [first] = sent(member.feed({ kind: "renewed" }), "join");
    const effects = member.hears({ type: "error", id: first?.id ?? "", code: "room/bad-rejoin", reason: "gone" });
    const [second] = sent(effects, "join");
    assert.equal(second?.rejoin, undefined);
    assert.notEqual(second?.id, first?.id);
    const room = member.room(person("a", CAMERA));
    const again = { ...room, participants: [person("a", CAMERA), { ...ME, id: "me2" }], pairs: [] };
    const given = member.joined(again, { participant: "me2" });
    assert.equal(only(given, "pair-over").length, 1);
    assert.equal(only(given, "joined")[0]?.rejoined, false);
  });

  it("[MEM3] repeats a join that was under way on the old link, under its id", () => {
    const member = new MemberBench();
    const [first] = sent(member.ask(), "join");
    assert.deepEqual(sent(member.feed({ kind: "renewed" }), "join"), [first]);
  });

  it("[MEM13] takes the place again when the server does not know it", () => {
    const member = new MemberBench().inside();
    const effects = member.hears({ type: "error", code: "room/not-member", reason: "who?" });
    assert.equal(sent(effects, "join")[0]?.rejoin?.participant, "me");
    assert.deepEqual(member.hears({ type: "error", code: "room/not-member", reason: "who?" }), []);
  });

  it("[MEM14] takes the place again when the session of its offer ends", () => {
    const member = new MemberBench("sfu").inside();
    assert.deepEqual(member.feed({ kind: "session-ended", session: "s0", reason: "x" }), []);
    const effects = member.feed({ kind: "session-ended", session: "s1", reason: "connection-failed" });
    assert.equal(only(effects, "need-offer").length, 1);
  });

  it("[MEM14] offers to an sfu that it took for a mesh", () => {
    const member = new MemberBench("sfu");
    member.ask({ offer: undefined });
    assert.equal(only(member.joined(member.room()), "need-offer").length, 1);
    const [join] = sent(member.feed({ kind: "offer", offer: OFFER }), "join");
    assert.equal(join?.rejoin?.token, "token1");
  });
});

describe("wishes", () => {
  it("[MEM4] show at once and go out under the next revision", () => {
    const member = new MemberBench().inside();
    const effects = member.feed({ kind: "set-source", source: "camera", intent: "muted" });
    assert.equal(ownSources(member.state).camera.intent, "muted");
    const [wish] = sent(effects, "media-state");
    assert.equal(wish?.revision, 2);
    const [next] = sent(member.feed({ kind: "set-source", source: "microphone", intent: "muted" }), "media-state");
    assert.equal(next?.revision, 3);
    assert.equal(next.sources.camera.intent, "muted");
    assert.deepEqual(member.feed({ kind: "set-source", source: "camera", intent: "muted" }), [], "no wish, no message");
  });

  it("[MEM4] are made again when the room was ahead", () => {
    const member = new MemberBench().inside();
    const [wish] = sent(member.feed({ kind: "set-source", source: "screen", intent: "live" }), "media-state");
    const muted = { ...ME.media.sources, microphone: { intent: "muted", mutedBy: "mod" } } as const;
    member.media("me", muted);
    assert.equal(ownSources(member.state).screen.intent, "live", "the wish is still under way");
    const refused = { type: "error", id: wish?.id ?? "", code: "room/stale-revision", reason: "newer" } as const;
    const [again] = sent(member.hears(refused), "media-state");
    assert.equal(again?.revision, 3);
    assert.equal(again.sources.screen.intent, "live");
    member.media("me", { ...muted, screen: { intent: "live", mutedBy: null } }, 3);
    const done = member.hears({ type: "ok", id: again.id });
    assert.deepEqual(sent(done, "media-state"), []);
    assert.deepEqual(ownSources(member.state).microphone, { intent: "muted", mutedBy: "mod" });
  });

  it("[MEM4] do not open what a moderator muted, when it is allowed again", () => {
    const member = new MemberBench().inside();
    member.media("me", { ...ME.media.sources, microphone: { intent: "muted", mutedBy: "mod" } });
    const effects = member.media("me", { ...ME.media.sources, microphone: { intent: "muted", mutedBy: null } }, 3);
    assert.deepEqual(sent(effects, "media-state"), []);
    assert.equal(ownSources(member.state).microphone.intent, "muted");
  });

  it("[MEM4] for what a moderator muted are not repeated at a room that will not hear them", () => {
    const member = new MemberBench().inside();
    member.feed({ kind: "renewed" });
    const muted = { ...ME.media.sources, microphone: { intent: "muted", mutedBy: "mod" } } as const;
    const room = { ...member.room(), participants: [{ ...ME, media: { revision: 3, sources: muted } }] };
    assert.deepEqual(sent(member.joined(room, { incarnation: 2 }), "media-state"), []);
  });

  it("[MEM4] stand when news of the room from before them come after their answer", () => {
    const member = new MemberBench().inside();
    const [wish] = sent(member.feed({ kind: "set-source", source: "camera", intent: "muted" }), "media-state");
    member.hears({ type: "ok", id: wish?.id ?? "" });
    // The room had told this before it heard the wish, whose own event is not there yet.
    member.media("me", ME.media.sources, 1);
    assert.equal(ownSources(member.state).camera.intent, "muted");
    // A later word counts: the next wish of the same person from another page, say.
    member.media("me", ME.media.sources, 3);
    assert.equal(ownSources(member.state).camera.intent, "live");
  });

  it("[MEM4] that were refused leave nothing to wait for: a mute that comes then counts", () => {
    const member = new MemberBench().inside();
    for (const source of ["screen", "screen-audio"] as const) {
      const [wish] = sent(member.feed({ kind: "set-source", source, intent: "live" }), "media-state");
      member.hears({ type: "error", id: wish?.id ?? "", code: "auth/forbidden", reason: "no screens" });
    }
    member.media("me", { ...ME.media.sources, microphone: { intent: "muted", mutedBy: "mod" } }, 2);
    assert.equal(ownSources(member.state).microphone.intent, "muted");
    assert.equal(member.state.intents.microphone, "muted");
  });

  it("[MEM4] are taken back when they are refused", () => {
    const member = new MemberBench().inside();
    const [wish] = sent(member.feed({ kind: "set-source", source: "screen", intent: "live" }), "media-state");
    member.hears({ type: "error", id: wish?.id ?? "", code: "auth/forbidden", reason: "viewer" });
    assert.equal(ownSources(member.state).screen.intent, "unpublished");
    assert.equal(only(member.take(), "command-done").at(-1)?.error?.code, "auth/forbidden");
  });

  it("[MEM4] without an answer in time are made again, for nobody has refused them", () => {
    const member = new MemberBench().inside();
    const [wish] = sent(member.feed({ kind: "set-source", source: "camera", intent: "muted" }), "media-state");
    // The machine sleeps: no timer fires until long after the command's time.
    member.now += 3 * commandMs;
    const effects = member.feed({ kind: "tick" });
    assert.equal(ownSources(member.state).camera.intent, "muted");
    const [again] = sent(effects, "media-state");
    assert.equal(again?.sources.camera.intent, "muted");
    assert.notEqual(again.id, wish?.id);
    assert.equal(only(effects, "command-done")[0]?.error?.code, "timeout");
  });

  it("[MEM4] made before the place was given follow it", () => {
    const member = new MemberBench();
    member.ask();
    member.feed({ kind: "set-source", source: "screen", intent: "live" });
    const effects = member.joined(member.room());
    assert.equal(sent(effects, "media-state")[0]?.sources.screen.intent, "live");
  });
});

describe("what the room wants", () => {
  it("[MEM10] is handed on, and a new session is a fresh offer", () => {
    const member = new MemberBench("sfu").inside(person("a", CAMERA));
    const about = { publication: "a:camera", subscription: "a:camera>me", why: "x" };
    const [repair] = only(member.hears({ type: "repair", step: "renegotiate", ...about }), "repair");
    assert.deepEqual(repair, { kind: "repair", step: "renegotiate", ...about });
    const effects = member.hears({ type: "repair", step: "new-session", ...about });
    assert.deepEqual(
      effects.map((one) => one.kind),
      ["need-offer", "changed"],
    );
  });

  it("[MEM11] ends the place and what hangs on it", () => {
    for (const code of ["room/removed", "room/ended", "room/replaced"]) {
      const member = new MemberBench().inside(person("a", CAMERA));
      member.feed({ kind: "moderate", action: { kind: "lock", locked: true } });
      member.take();
      const effects = member.hears({ type: "removed", code, reason: "why" });
      assert.deepEqual(
        effects.map((one) => one.kind),
        ["pair-over", "forget", "command-done", "removed", "changed"],
      );
      assert.equal(member.state.phase.kind, "removed");
      assert.equal(member.machine.deadline(member.state), undefined);
      assert.equal(sent(member.ask(), "join").length, 1, "a new join is possible");
    }
  });

  it("[MEM11] does not take what was said of an earlier place, and comes late, for the present one", () => {
    const member = new MemberBench().inside(person("a"));
    assert.deepEqual(member.hears({ type: "removed", to: "earlier", code: "room/ended", reason: "why" }), []);
    assert.equal(member.state.phase.kind, "in");
    member.hears({ type: "removed", to: "me", code: "room/ended", reason: "why" });
    assert.equal(member.state.phase.kind, "removed");
  });

  it("[MEM11] asks for a place after a lost lease at once, and after a drain on the next link", () => {
    const lost = new MemberBench().inside(person("a"));
    const [join] = sent(lost.hears({ type: "removed", code: "room/lease-expired", reason: "silence" }), "join");
    assert.equal(join?.rejoin, undefined);
    const drained = new MemberBench().inside(person("a"));
    const effects = drained.hears({ type: "removed", code: "server/draining", reason: "restart" });
    assert.deepEqual(sent(effects, "join"), []);
    assert.equal(drained.machine.deadline(drained.state), undefined);
    drained.feed({ kind: "renewed" });
    assert.equal(sent(drained.feed({ kind: "link", open: true }), "join").length, 1);
  });

  it("[MEM12] says that it leaves until it is heard", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    const [leave] = sent(member.feed({ kind: "leave" }), "leave");
    assert.equal(member.state.phase.kind, "leaving");
    member.take();
    member.advance(400);
    assert.deepEqual(sent(member.take(), "leave"), [leave]);
    const effects = member.hears({ type: "ok", id: leave?.id ?? "" });
    assert.equal(only(effects, "removed")[0]?.code, "link/closed");
    assert.equal(member.state.phase.kind, "out");
    assert.equal(member.machine.deadline(member.state), undefined);
  });

  it("[MEM12] takes the place once more to leave it, over a new link", () => {
    const member = new MemberBench().inside();
    member.feed({ kind: "leave" });
    const effects = member.feed({ kind: "renewed" });
    assert.deepEqual(
      only(effects, "send").map(({ message }) => message.type),
      ["join", "leave"],
    );
    assert.equal(sent(effects, "join")[0]?.rejoin?.token, "token1");
    member.hears({ type: "ok", id: sent(effects, "leave")[0]?.id ?? "" });
    assert.equal(member.state.phase.kind, "out");
  });

  it("[MEM12] leaves a place that it has not been given yet", () => {
    const member = new MemberBench();
    member.ask();
    const effects = member.feed({ kind: "leave" });
    assert.equal(sent(effects, "leave").length, 1);
    assert.equal(member.state.phase.kind, "out");
    assert.deepEqual(only(member.joined(member.room()), "joined"), []);
    assert.equal(member.state.phase.kind, "out");
  });

  it("[MEM12] leaves a place for which it waited too long, behind the join and when it is given yet", () => {
    const member = new MemberBench();
    member.ask();
    member.take();
    member.advance(commandMs);
    const effects = member.take();
    assert.deepEqual(
      only(effects, "send")
        .slice(-1)
        .map(({ message }) => message.type),
      ["leave"],
    );
    assert.equal(only(effects, "command-done")[0]?.error?.code, "timeout");
    const announced = nextCommandId(member.state);
    const late = member.joined(member.room());
    assert.equal(nextCommandId(member.state), announced);
    assert.deepEqual(
      late.map((one) => one.kind === "send" && one.message.type),
      ["leave"],
    );
    assert.notEqual(sent(late, "leave")[0]?.id, sent(effects, "leave")[0]?.id);
    assert.notEqual(sent(late, "leave")[0]?.id, announced);
    assert.equal(member.state.phase.kind, "out");
    assert.equal(member.machine.deadline(member.state), undefined);
  });
});

describe("commands", () => {
  it("[MEM2] carry the id that was announced, and end once", () => {
    const member = new MemberBench().inside();
    const id = nextCommandId(member.state);
    const [lock] = sent(member.feed({ kind: "moderate", action: { kind: "lock", locked: true } }), "moderate");
    assert.equal(lock?.id, id);
    assert.deepEqual(member.hears({ type: "ok", id }), [{ kind: "command-done", id }]);
    assert.deepEqual(member.hears({ type: "ok", id }), []);
    assert.notEqual(nextCommandId(member.state), id);
  });

  it("[MEM2] fail when they are refused, late, or have no room to go to", () => {
    const member = new MemberBench().inside();
    const does = () => {
      const id = nextCommandId(member.state);
      member.feed({ kind: "moderate", action: { kind: "end" } });
      return id;
    };
    const refused = does();
    member.hears({ type: "error", id: refused, code: "auth/forbidden", reason: "no", field: "action.kind" });
    const late = does();
    member.advance(commandMs);
    member.feed({ kind: "leave" });
    member.hears({ type: "ok", id: `x.${member.state.commandSerial}` });
    const outside = does();
    assert.deepEqual(
      only(member.take(), "command-done")
        .filter((one) => one.error)
        .map((one) => [one.id, one.error?.code]),
      [
        [refused, "auth/forbidden"],
        [late, "timeout"],
        [outside, "room/not-member"],
      ],
    );
  });
});
