import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, LodelineError, seededRandom } from "@lodeline/base";
import { DEFAULT_TIMERS, LIMITS, SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import { World } from "./world.ts";

describe("the door", () => {
  it("[HUB1] closes a silent socket after helloTimeoutMs, and not a millisecond earlier", () => {
    const { hub, clock } = new World();
    const closes: number[] = [];
    const texts: string[] = [];
    hub.connect({ send: (text) => texts.push(text), close: (code) => closes.push(code) });
    clock.run(DEFAULT_TIMERS.helloTimeoutMs - 1);
    assert.deepEqual(closes, []);
    clock.run(1);
    assert.deepEqual(closes, [4408]);
    assert.match(texts[0] ?? "", /"fatal".*link\/hello-timeout/);
    assert.equal(hub.status().sockets, 0);
    assert.equal(hub.status().timers, 0);
  });

  it("[HUB2] tells a refused token why and closes with 4401", () => {
    const world = new World({
      refuse: (token) => (token === "old" ? new LodelineError("auth/token-expired") : undefined),
    });
    const old = world.client("old");
    const good = world.client("ada");
    world.run();
    assert.equal(old.refused?.code, "auth/token-expired");
    assert.deepEqual(old.closes, [{ code: 4401, reason: "auth/token-expired" }]);
    assert.equal(old.link.state, "closed");
    assert.equal(good.link.state, "open");
    assert.equal(good.link.identity, "ada");
    assert.equal(world.hub.status().links, 1);
  });

  it("[HUB2] lets nobody in as the server's own peer", () => {
    const world = new World();
    const thief = world.client(SERVER_PEER_IDENTITY);
    world.run();
    assert.equal(thief.refused?.code, "auth/forbidden");
    assert.equal(world.hub.status().links, 0);
  });

  it("[HUB3] keeps what comes with the hello until the token is checked", () => {
    const world = new World({ authorizeMs: 1500 });
    const ada = world.client("ada");
    ada.join("r");
    world.run(1000);
    assert.deepEqual(ada.messages, []);
    world.run(1000);
    assert.equal(ada.joined.room.participants.length, 1);
  });

  it("[HUB3] refuses a socket that says too much before it is known", () => {
    const { hub } = new World({ authorizeMs: 1000 });
    const closes: number[] = [];
    const connection = hub.connect({ send: () => {}, close: (code) => closes.push(code) });
    connection.text('{"kind":"hello","version":1,"name":"x"}');
    for (let i = 0; i < LIMITS.messageBurst; i++) connection.text("{}");
    assert.deepEqual(closes, []);
    connection.text("{}");
    assert.deepEqual(closes, [4429]);
  });

  it("[HUB3] forgets a socket that closes while its token is checked", () => {
    const { hub, clock } = new World({ authorizeMs: 1000 });
    const connection = hub.connect({ send: () => assert.fail(), close: () => assert.fail() });
    connection.text('{"kind":"hello","version":1,"name":"x"}');
    connection.closed(1006);
    clock.run(2000);
    assert.equal(hub.status().links, 0);
    assert.equal(hub.status().timers, 0);
  });

  it("[HUB4] resumes by secret without a token, on a socket that replaces the older", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r");
    world.run();
    const link = ada.link.link;
    ada.cut("never");
    world.run(500);
    assert.equal(ada.link.state, "open");
    assert.equal(ada.link.link, link);
    assert.equal(world.authorized, 1);
    assert.deepEqual(ada.closes, [{ code: 4409, reason: "link/replaced" }]);
    assert.equal(ada.link.state, "open", "the close of the older socket is nothing to the newer");
    assert.deepEqual(
      world.eventsOf("link").map(({ what }) => what),
      ["opened", "resumed"],
    );
    assert.equal(world.hub.status().sockets, 1);
  });

  it("[HUB4] ignores what an older socket still says", () => {
    const { hub } = new World();
    const texts: string[] = [];
    const socket = { send: (text: string) => texts.push(text), close: () => {} };
    const first = hub.connect(socket);
    first.text('{"kind":"hello","version":1,"name":"x","token":"ada"}');
    const { link, secret } = JSON.parse(texts[0] ?? "");
    const second = hub.connect(socket);
    const resume = { link, secret, received: 0 };
    second.text(JSON.stringify({ kind: "hello", version: 1, name: "x", resume }));
    texts.length = 0;
    first.text('{"kind":"data","seq":1,"ack":0,"message":{"type":"leave","id":"old"}}');
    first.closed(1006);
    first.refuse(new LodelineError("link/slow-consumer"));
    assert.deepEqual(texts, []);
    second.text('{"kind":"data","seq":1,"ack":0,"message":{"type":"leave","id":"new"}}');
    assert.match(texts[0] ?? "", /"ok","id":"new"/);
  });

  it("[HUB4] a resume with a wrong secret needs a token and gets a new link", () => {
    const world = new World({
      refuse: (token) => (token === "" ? new LodelineError("auth/token-missing") : undefined),
    });
    const texts: string[] = [];
    const closes: number[] = [];
    const socket = { send: (text: string) => texts.push(text), close: (code: number) => closes.push(code) };
    world.hub.connect(socket).text('{"kind":"hello","version":1,"name":"x","token":"ada"}');
    const { link } = JSON.parse(texts[0] ?? "");
    const resume = { link, secret: "guessed", received: 0 };
    world.hub.connect(socket).text(JSON.stringify({ kind: "hello", version: 1, name: "x", resume }));
    assert.deepEqual(closes, [4401]);
    world.hub.connect(socket).text(JSON.stringify({ kind: "hello", version: 1, name: "x", token: "bob", resume }));
    const welcome = JSON.parse(texts.at(-1) ?? "");
    assert.equal(welcome.resumed, false);
    assert.notEqual(welcome.link, link);
    assert.equal(welcome.identity, "bob");
  });

  it("[HUB36] counts a socket that the link closed as over, and leaves no timer of an ended link", () => {
    const { hub } = new World();
    const closes: number[] = [];
    const connection = hub.connect({ send: () => {}, close: (code) => closes.push(code) });
    connection.text('{"kind":"hello","version":1,"name":"x","token":"ada"}');
    assert.equal(hub.status().timers, 1);
    connection.text('{"kind":"bye","reason":"done"}');
    assert.deepEqual(closes, [1000]);
    const { sockets, links, timers } = hub.status();
    assert.deepEqual({ sockets, links, timers }, { sockets: 0, links: 0, timers: 0 });
    connection.text('{"kind":"ping","at":1,"ack":0}');
    connection.closed(1000);
    assert.deepEqual(closes, [1000]);
  });

  it("[HUB5] finds the link of an opening said again, for the same identity alone", () => {
    const { hub } = new World();
    const texts: string[] = [];
    const socket = { send: (text: string) => texts.push(text), close: () => {} };
    const hello = (token: string) =>
      JSON.stringify({ kind: "hello", version: 1, name: "x", token, opening: "o".repeat(32) });
    for (const token of ["ada", "ada", "bob"]) hub.connect(socket).text(hello(token));
    const [first, again, other] = texts.filter((text) => text.includes("welcome")).map((text) => JSON.parse(text));
    assert.equal(again.link, first.link);
    assert.equal(again.epoch, 2);
    assert.notEqual(other.link, first.link);
    assert.equal(hub.status().links, 2);
  });

  it("[HUB53] a hello that a later socket of its link has overtaken does no harm, whatever was said since", () => {
    for (const isConfirmed of [false, true]) {
      const { hub } = new World();
      const closes: [string, number][] = [];
      const texts: string[] = [];
      const connect = (name: string) =>
        hub.connect({ send: (text) => texts.push(text), close: (code) => closes.push([name, code]) });
      const hello = JSON.stringify({ kind: "hello", version: 1, name: "x", token: "ada", opening: "o".repeat(32) });
      const early = connect("early");
      const later = connect("later");
      later.text(hello);
      if (isConfirmed) later.text('{"kind":"ack","ack":0}');
      early.text(hello);
      early.text('{"kind":"data","seq":1,"ack":0,"message":{"type":"leave","id":"stale"}}');
      assert.deepEqual(closes, [["early", 4409]]);
      later.text('{"kind":"data","seq":1,"ack":0,"message":{"type":"leave","id":"c1"}}');
      assert.equal(texts.filter((text) => text.includes("c1")).length, 1);
      assert.ok(!texts.some((text) => text.includes("stale")));
      assert.equal(hub.status().links, 1);
    }
  });

  it("[HUB53] a resume that a later one of the same link has overtaken does no harm", () => {
    const { hub } = new World();
    const texts: string[] = [];
    const closes: [string, number][] = [];
    const connect = (name: string) =>
      hub.connect({ send: (text) => texts.push(text), close: (code) => closes.push([name, code]) });
    const first = connect("first");
    first.text('{"kind":"hello","version":1,"name":"x","token":"ada"}');
    const { link, secret } = JSON.parse(texts[0] ?? "");
    first.closed(1006);
    const resume = JSON.stringify({ kind: "hello", version: 1, name: "x", resume: { link, secret, received: 0 } });
    const early = connect("early");
    const later = connect("later");
    later.text(resume);
    early.text(resume);
    assert.deepEqual(closes, [["early", 4409]]);
    later.text('{"kind":"data","seq":1,"ack":0,"message":{"type":"leave","id":"c1"}}');
    assert.match(texts.at(-1) ?? "", /c1/);
    assert.equal(hub.status().links, 1);
  });

  it("[HUB6] survives any text, and nobody else notices", () => {
    const random = seededRandom(9);
    const world = new World();
    const ada = world.client("ada");
    ada.join("r");
    world.run();
    const before = ada.messages.length;
    const pieces = [
      '{"kind":"hello",',
      '"version":1,',
      '"name":"x"',
      "}",
      '{"kind":"data","seq":',
      "1",
      '"ack":0',
      "[",
      "null",
    ];
    for (let i = 0; i < 3000; i++) {
      const connection = world.hub.connect({ send: () => {}, close: () => {} });
      for (let n = 0; n < 4; n++) {
        let text = "";
        for (let k = integer(random, 6); k >= 0; k--) text += pieces[integer(random, pieces.length)];
        connection.text(text);
      }
      connection.closed(1006);
    }
    world.run(100);
    assert.equal(ada.messages.length, before);
    assert.equal(ada.link.state, "open");
  });

  it("[HUB6] answers a bad message and refuses what the gateway refuses, without harm to others", () => {
    const world = new World();
    const ada = world.client("ada");
    const bob = world.client("bob");
    ada.join("r");
    bob.join("r");
    world.run();
    ada.raw('{"kind":"data","seq":2,"ack":0,"message":{"type":"leave","id":"x","also":1}}');
    world.run();
    assert.deepEqual(ada.errors, [{ code: "protocol/malformed", id: "x", field: "message.also" }]);
    assert.equal(ada.link.state, "open");
    ada.raw("no JSON");
    world.run(15);
    assert.deepEqual(ada.closes, [{ code: 4400, reason: "protocol/malformed" }]);
    assert.deepEqual(bob.errors, []);
    assert.equal(bob.link.state, "open");
    assert.ok(world.eventsOf("refused").length >= 2);
  });
});
