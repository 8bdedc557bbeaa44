import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import type { EngineRequest } from "../src/engine/messages.ts";
import { LINGER_MS } from "../src/pool/relays.ts";
import { code, forward, lost, made, NOTHING, open, publish } from "./support/pool-rig.ts";
import { turns } from "./support/scripted-engine.ts";

describe("a room that spans engines", () => {
  const spanning = async () => {
    const one = await made(2, 1);
    for (const transport of ["a", "b"]) await one.pool.ask(open(transport));
    await one.pool.ask(publish("p", "a"));
    one.at(0).heard();
    one.at(1).heard();
    return one;
  };

  it("[RELAY1] has a publication at another engine once, however many receive it there", async () => {
    const { pool, at } = await spanning();
    await pool.ask(forward("f", "p", "b"));
    await pool.ask(forward("f2", "p", "b"));
    assert.deepEqual(at(0).heard(), ["open-trunk", "connect-trunk", "carry p@1"]);
    assert.deepEqual(at(1).heard(), ["open-trunk", "connect-trunk", "take p@1", "forward f", "forward f2"]);
    await pool.close();
  });

  it("[RELAY1] gives the two ends of a trunk each other's socket and keys", async () => {
    const { pool, at } = await spanning();
    const ends = [at(0), at(1)];
    const connected: Extract<EngineRequest, { kind: "connect-trunk" }>[] = [];
    for (const [index, engine] of ends.entries()) {
      const { answer } = engine;
      engine.answer = async (request) => {
        if (request.kind === "open-trunk") return { socket: { address: "127.0.0.1", port: 4_000 + index } };
        if (request.kind === "connect-trunk") connected.push(request);
        return answer(request);
      };
    }
    await pool.ask(forward("f", "p", "b"));
    const [first, second] = connected;
    assert.ok(first && second);
    assert.deepEqual([first.remote.port, second.remote.port], [4_001, 4_000]);
    assert.deepEqual([first.sendKey, first.receiveKey], [second.receiveKey, second.sendKey]);
    assert.notDeepEqual(first.sendKey, first.receiveKey);
    assert.deepEqual([first.sendKey.key.length, first.sendKey.salt.length], [16, 12]);
    await pool.close();
  });

  it("[RELAY2] tells the carrying end what is needed and the taking end what there is", async () => {
    const { events, pool, at } = await spanning();
    await pool.ask(forward("f", "p", "b"));
    const told = events.length;
    at(0).heard();
    at(1).heard();
    at(1).tell({ kind: "layers-needed", relay: "p@1", rids: ["q"] });
    at(0).tell({ kind: "layers-seen", relay: "p@1", layers: [] });
    at(0).tell({ kind: "layers-seen", relay: "other@1", layers: [] });
    assert.deepEqual([at(0).heard(), at(1).heard()], [["need-layers p@1"], ["describe-layers p@1"]]);
    assert.equal(events.length, told, "nobody outside hears of it");
    await pool.close();
  });

  it("[RELAY3] keeps what is asked of a forwarder in order behind its relay", async () => {
    const { pool, at } = await spanning();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { answer } = at(0);
    at(0).answer = async (request) => {
      if (request.kind === "carry") await promise;
      return answer(request);
    };
    const asked = [forward("f", "p", "b"), { kind: "request-key-frame", forwarder: "f" } as const].map((one) =>
      pool.ask(one),
    );
    await turns();
    assert.deepEqual(at(1).heard(), ["open-trunk", "connect-trunk"]);
    resolve();
    await Promise.all(asked);
    assert.deepEqual(at(1).heard(), ["take p@1", "forward f", "request-key-frame f"]);
    await pool.close();
  });

  it("[RELAY3] leaves nothing of a forwarder that ended before its relay was there", async () => {
    const { clock, pool, at } = await spanning();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { answer } = at(0);
    at(0).answer = async (request) => {
      if (request.kind === "carry") await promise;
      return answer(request);
    };
    const forwarded = assert.rejects(pool.ask(forward("f", "p", "b")), code("media/closed"));
    await turns();
    await Promise.all([pool.ask({ kind: "unpublish", publication: "p" }), Promise.resolve().then(resolve), forwarded]);
    assert.ok(
      !at(1)
        .heard()
        .some((line) => line.startsWith("take") || line.startsWith("forward")),
    );
    clock.advance(LINGER_MS);
    assert.deepEqual(pool.held, { ...NOTHING, transports: 2 });
    await pool.close();
  });

  it("[RELAY4] ends a relay a second after its last forwarder, and its trunk with the last relay", async () => {
    const { clock, pool, at } = await spanning();
    await pool.ask(forward("f", "p", "b"));
    await pool.ask({ kind: "unforward", forwarder: "f" });
    at(0).heard();
    at(1).heard();
    clock.advance(LINGER_MS - 1);
    await pool.ask(forward("f", "p", "b"));
    clock.advance(LINGER_MS);
    assert.deepEqual([at(0).heard(), at(1).heard()], [[], ["forward f"]]);
    await pool.ask({ kind: "close-transport", transport: "b" });
    clock.advance(LINGER_MS);
    assert.deepEqual(at(0).heard(), ["drop-relay p@1", "close-trunk"]);
    assert.deepEqual(at(1).heard(), ["close-transport b", "drop-relay p@1", "close-trunk"]);
    assert.deepEqual(pool.held, { ...NOTHING, transports: 1, publications: 1 });
    await pool.close();
    assert.equal(clock.armed, 0);
  });

  it("[RELAY4] ends a relay at once with its publication", async () => {
    const { pool, at } = await spanning();
    await pool.ask(forward("f", "p", "b"));
    at(0).heard();
    await pool.ask({ kind: "unpublish", publication: "p" });
    assert.deepEqual(at(0).heard(), ["drop-relay p@1", "close-trunk", "unpublish p"]);
    await pool.close();
  });

  it("[RELAY5] ends what had an end on an engine that died, and the other engine's end with it", async () => {
    const { clock, pool, at } = await spanning();
    await pool.ask(forward("f", "p", "b"));
    at(0).heard();
    at(1).die(lost);
    assert.deepEqual(at(0).heard(), ["drop-relay p@1", "close-trunk"]);
    assert.deepEqual(pool.held, { ...NOTHING, transports: 1, publications: 1 });
    clock.advance(0);
    await turns();
    await pool.ask(open("b2"));
    await pool.ask(forward("f", "p", "b2"));
    assert.deepEqual(at(1).heard(), ["open-transport b2", "open-trunk", "connect-trunk", "take p@1", "forward f"]);
    await pool.close();
  });

  it("[RELAY5] tries anew after a relay that failed", async () => {
    const { pool, at } = await spanning();
    const { answer } = at(0);
    at(0).answer = async (request) => {
      if (request.kind === "carry") throw new LodelineError("media/closed");
      return answer(request);
    };
    await assert.rejects(pool.ask(forward("f", "p", "b")), code("media/closed"));
    at(0).answer = answer;
    await pool.ask(forward("f", "p", "b"));
    await pool.close();
  });

  it("[RELAY6] brings who receives at other engines to one encoding too, also who comes later", async () => {
    const { pool, at } = await spanning();
    await pool.ask({ kind: "prefer-one", publication: "p", one: true });
    await pool.ask(forward("f", "p", "b"));
    assert.deepEqual(at(0).heard()[0], "prefer-one p");
    assert.deepEqual(at(1).heard().slice(-3).sort(), ["forward f", "prefer-one p", "take p@1"]);
    await pool.ask({ kind: "prefer-one", publication: "p", one: false });
    assert.deepEqual([at(0).heard(), at(1).heard()], [["prefer-one p"], ["prefer-one p"]]);
    await pool.close();
  });

  it("[RELAY6] has a microphone compete at each engine that it goes to", async () => {
    const { pool, at } = await spanning();
    const loudest = { group: "den", most: 3 };
    await pool.ask({ kind: "publish", publication: "mic", transport: "a", mid: "1", media: "audio", loudest });
    await pool.ask(forward("f", "mic", "b"));
    const take = at(1).asked.find((request) => request.kind === "take");
    assert.deepEqual(take?.kind === "take" && take.loudest, loudest);
    await pool.close();
  });
});
