import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ActiveGate, type ActiveScope, type MediaBridge } from "@lodeline/session";

type Bridge = MediaBridge<string, string, string>;

const MEDIA: Bridge = {
  audioSender: "audio",
  videoSender: undefined,
  audioReceiver: undefined,
  videoReceiver: undefined,
  replaceTrack: () => {},
};

const NOT_ACTIVE = { code: "session/not-active" };

function gate() {
  const errors: unknown[] = [];
  const made = new ActiveGate<Bridge, AbortSignal>({
    createAbort: () => new AbortController(),
    onError: (error) => errors.push(error),
  });
  return { gate: made, errors };
}

/** A pipeline as somebody would write it: it wants a live scope, not a session that may become live. */
function startPipeline(scope: ActiveScope<Bridge>): string | undefined {
  return scope.media.audioSender;
}

describe("gate", () => {
  it("[SES46] to start a pipeline before Active is a type error and a run-time error", () => {
    const { gate: early } = gate();
    assert.throws(() => early.media, NOT_ACTIVE);
    // @ts-expect-error The gate is not a live scope.
    assert.throws(() => startPipeline(early), NOT_ACTIVE);
    const forged = { session: "s1", media: MEDIA, signal: new AbortController().signal, defer: () => {} };
    // @ts-expect-error A scope cannot be made by hand.
    startPipeline(forged);
    let started: string | undefined;
    early.onActive((scope) => {
      started = startPipeline(scope);
    });
    assert.equal(started, undefined);
    early.enter("s1", MEDIA);
    assert.equal(started, "audio");
    assert.equal(early.media, MEDIA);
  });

  it("[SES46] handles kept for later throw once the session has left Active", () => {
    const { gate: kept } = gate();
    let scope: ActiveScope<Bridge> | undefined;
    kept.onActive((live) => {
      scope = live;
    });
    kept.enter("s1", MEDIA);
    assert.equal(scope?.media.audioSender, "audio");
    kept.leave("hangup");
    assert.throws(() => scope?.media, NOT_ACTIVE);
    assert.throws(() => kept.media, NOT_ACTIVE);
  });

  it("[SES46] a callback is started at once when the session is Active, and at every later time until removed", () => {
    const { gate: made } = gate();
    const started: string[] = [];
    made.enter("s1", MEDIA);
    const registered = made.onActive((scope) => {
      started.push(scope.session);
    });
    made.leave("hangup");
    made.enter("s2", MEDIA);
    registered[Symbol.dispose]();
    made.leave("hangup");
    made.enter("s3", MEDIA);
    assert.deepEqual(started, ["s1", "s2"]);
  });

  it("[SES47] the signal aborts with the reason, then the disposers run in reverse; a throwing one keeps none back", () => {
    const { gate: made, errors } = gate();
    const order: string[] = [];
    made.onActive((scope) => {
      scope.signal.addEventListener("abort", () => order.push(`abort ${scope.signal.reason}`));
      scope.defer(() => order.push("first"));
      scope.defer(() => {
        throw new Error("second");
      });
      return () => order.push("returned");
    });
    made.onActive(() => {
      throw new Error("start");
    });
    made.onActive((scope) => scope.defer(() => order.push("another")));
    made.enter("s1", MEDIA);
    made.leave("hangup");
    made.leave("hangup");
    assert.deepEqual(order, ["abort hangup", "another", "returned", "first"]);
    assert.deepEqual(
      errors.map((error) => (error as Error).message),
      ["start", "second"],
    );
  });

  it("[SES47] what is deferred after the end runs at once, as does the disposer of a start that took too long", async () => {
    const { gate: made, errors } = gate();
    const order: string[] = [];
    const opened = Promise.withResolvers<() => void>();
    made.onActive(async (scope) => {
      const close = await opened.promise;
      assert.equal(scope.signal.aborted, true);
      return close;
    });
    made.onActive(() => Promise.reject(new Error("no recorder")));
    let scope: ActiveScope<Bridge> | undefined;
    made.onActive((live) => {
      scope = live;
    });
    made.enter("s1", MEDIA);
    made.leave("hangup");
    scope?.defer(() => order.push("deferred late"));
    assert.deepEqual(order, ["deferred late"]);
    opened.resolve(() => order.push("closed"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(order, ["deferred late", "closed"]);
    assert.deepEqual(
      errors.map((error) => (error as Error).message),
      ["no recorder"],
    );
  });

  it("[SES47] asynchronous disposers are handed to the owner to wait for", async () => {
    const { gate: made } = gate();
    let finalized = false;
    made.onActive((scope) =>
      scope.defer(async () => {
        await null;
        finalized = true;
      }),
    );
    made.enter("s1", MEDIA);
    await Promise.all(made.leave("hangup"));
    assert.equal(finalized, true);
  });

  it("[SES47] a callback that ends the session keeps the ones after it from being started", () => {
    const { gate: made } = gate();
    const started: string[] = [];
    made.onActive(() => void made.leave("hangup"));
    made.onActive(() => void started.push("second"));
    made.enter("s1", MEDIA);
    assert.deepEqual(started, []);
  });
});
