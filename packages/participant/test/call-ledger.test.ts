import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Machine, type MonoMs, seededRandom, type Tick } from "@lodeline/base";
import {
  type CallLedgerEffect,
  type CallLedgerInput,
  type CallLedgerState,
  createCallLedger,
} from "@lodeline/participant";
import { type CallSent, DEFAULT_TIMERS, type Source, type Standing } from "@lodeline/protocol";
import type { LedgerBody } from "@lodeline/session";

const { receiptHeartbeatMs } = DEFAULT_TIMERS;
const BOTH: readonly CallSent[] = [
  { source: "microphone", intent: "live" },
  { source: "camera", intent: "live" },
];

/** One end on a bench. */
class End {
  readonly machine: Machine<CallLedgerState, CallLedgerInput, CallLedgerEffect> = createCallLedger(DEFAULT_TIMERS);
  state = this.machine.initial;
  now: MonoMs = 0;
  readonly done: CallLedgerEffect[] = [];
  perform: (effect: CallLedgerEffect) => void = () => {};

  feed(input: CallLedgerInput | Tick): void {
    const { state, effects } = this.machine.step(this.state, input, this.now);
    this.state = state;
    for (const effect of effects) {
      this.done.push(effect);
      this.perform(effect);
    }
  }

  standing(source: Source, standing: Standing): void {
    this.feed({ kind: "standing", source, standing });
  }

  advance(ms: number): void {
    for (const end = this.now + ms; ; ) {
      const due = this.machine.deadline(this.state);
      if (due === undefined || due > end) {
        this.now = end;
        return;
      }
      this.now = Math.max(this.now, due);
      this.feed({ kind: "tick" });
    }
  }

  /** Repairs since the last look, and when. */
  repairs(): string[] {
    return this.done.splice(0).flatMap((effect) => {
      if (effect.kind === "renegotiate") return [effect.iceRestart ? "restart-ice" : "renegotiate"];
      if (effect.kind === "republish") return [`republish ${effect.source}`];
      return effect.kind === "tell" && effect.body.kind === "replay-request" ? [`ask ${effect.body.source}`] : [];
    });
  }

  receipts(): Extract<LedgerBody, { kind: "receipt" }>[] {
    return this.done.splice(0).flatMap((one) => (one.kind === "tell" && one.body.kind === "receipt" ? [one.body] : []));
  }
}

describe("the ledger of a call", () => {
  it("[PART18] says what it sends and receives at once when that changes, and at every heartbeat", () => {
    const end = new End();
    end.feed({ kind: "sends", sends: BOTH });
    end.standing("camera", "received");
    assert.deepEqual(
      end.receipts().map(({ revision, sends, receives }) => [revision, sends.length, receives]),
      [
        [1, 2, []],
        [1, 2, [{ source: "camera", received: true }]],
      ],
    );
    end.feed({ kind: "sends", sends: [...BOTH] });
    assert.deepEqual(end.receipts(), [], "nothing new");
    end.advance(receiptHeartbeatMs * 3);
    assert.equal(end.receipts().length, 3);
    end.feed({ kind: "sends", sends: [{ source: "camera", intent: "muted" }] });
    assert.equal(end.receipts()[0]?.revision, 2);
  });

  it("[PART18] expects what the other end means to send, by its newest word", () => {
    const end = new End();
    const said = (revision: number, sends: CallSent[]) =>
      end.feed({ kind: "told", body: { kind: "receipt", revision, heard: 0, sends, receives: [] } });
    const expected = () => end.done.splice(0).flatMap((one) => (one.kind === "expect" ? [one.sources] : []));
    said(1, [...BOTH]);
    said(1, [...BOTH]);
    assert.deepEqual(expected(), [["microphone", "camera"]]);
    said(2, [
      { source: "microphone", intent: "live" },
      { source: "camera", intent: "muted" },
    ]);
    said(1, [...BOTH]);
    assert.deepEqual(expected(), [["microphone"]]);
  });

  it("[PART19] repairs one source by the smallest step, and rests when none helps", () => {
    const end = new End();
    end.standing("microphone", "received");
    end.standing("camera", "missing");
    assert.deepEqual(end.repairs(), ["renegotiate"]);
    end.advance(999);
    assert.deepEqual(end.repairs(), []);
    end.advance(1);
    assert.deepEqual(end.repairs(), ["ask camera"]);
    end.advance(1_500);
    assert.deepEqual(end.repairs(), ["restart-ice"]);
    end.advance(4_000);
    assert.deepEqual(end.repairs(), []);
    end.advance(4_999);
    assert.deepEqual(end.repairs(), []);
    end.advance(1);
    assert.deepEqual(end.repairs(), ["renegotiate"]);
    end.standing("camera", "received");
    end.advance(60_000);
    assert.deepEqual(end.repairs(), []);
  });

  it("[PART19] asks the sender first where the sender sends nothing, and the path first where nothing comes", () => {
    const stuck = new End();
    const sends: CallSent[] = [{ source: "camera", intent: "live", sent: false }];
    stuck.feed({ kind: "told", body: { kind: "receipt", revision: 1, heard: 0, sends, receives: [] } });
    stuck.standing("camera", "missing");
    assert.deepEqual(stuck.repairs(), ["ask camera"]);
    const dead = new End();
    dead.standing("microphone", "received");
    dead.standing("camera", "received");
    dead.standing("camera", "missing");
    dead.standing("microphone", "missing");
    assert.deepEqual(dead.repairs(), ["renegotiate", "restart-ice"]);
  });

  it("[PART19] does nothing while the transport is being recovered, and begins anew after it", () => {
    const end = new End();
    end.feed({ kind: "interrupted", interrupted: true });
    end.standing("camera", "missing");
    end.advance(10_000);
    assert.deepEqual(end.repairs(), []);
    end.feed({ kind: "interrupted", interrupted: false });
    assert.deepEqual(end.repairs(), ["renegotiate"]);
  });

  it("[PART19] a sender that is asked publishes again, once for two requests in a row, and only what it sends", () => {
    const end = new End();
    end.feed({
      kind: "sends",
      sends: [
        { source: "camera", intent: "live" },
        { source: "microphone", intent: "muted" },
      ],
    });
    const asked = (source: Source) =>
      end.feed({ kind: "told", body: { kind: "replay-request", source, why: "missing" } });
    asked("camera");
    asked("camera");
    asked("microphone");
    asked("screen");
    assert.deepEqual(end.repairs(), ["republish camera"]);
    end.advance(1_500);
    asked("camera");
    assert.deepEqual(end.repairs(), ["republish camera"]);
  });

  it("[PART20] two ends agree within two heartbeats of the last loss, whatever is lost, late or doubled", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const chance = () => random.u32() / 2 ** 32;
      const [a, b] = [new End(), new End()];
      let lossy = true;
      const post: { at: number; to: End; body: LedgerBody }[] = [];
      const join = (from: End, to: End) => {
        from.perform = (effect) => {
          if (effect.kind !== "tell" || (lossy && chance() < 0.4)) return;
          for (let copies = chance() < 0.2 ? 2 : 1; copies > 0; copies--) {
            post.push({ at: from.now + 20 + (lossy ? chance() * 400 : 0), to, body: effect.body });
          }
        };
      };
      join(a, b);
      join(b, a);
      const run = (ms: number) => {
        for (const end = a.now + ms; a.now < end; ) {
          for (const one of [a, b]) one.advance(10);
          for (const { to, body } of post.filter(({ at }) => at <= a.now)) to.feed({ kind: "told", body });
          post.splice(0, post.length, ...post.filter(({ at }) => at > a.now));
        }
      };
      for (let i = 0; i < 12; i++) {
        const end = chance() < 0.5 ? a : b;
        if (chance() < 0.5) end.feed({ kind: "sends", sends: BOTH.filter(() => chance() < 0.6) });
        else end.standing(chance() < 0.5 ? "camera" : "microphone", chance() < 0.5 ? "received" : "missing");
        run(Math.floor(chance() * 600));
      }
      run(500);
      lossy = false;
      run(receiptHeartbeatMs * 2 + 100);
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const) {
        assert.deepEqual(other.state.remote?.sends, one.state.sends, `seed ${seed}`);
        assert.deepEqual(
          other.state.remote?.receives
            .filter(({ received }) => received)
            .map(({ source }) => source)
            .sort(),
          Object.entries(one.state.standings)
            .flatMap(([source, is]) => (is === "received" ? [source] : []))
            .sort(),
          `seed ${seed}`,
        );
      }
    }
  });
});
