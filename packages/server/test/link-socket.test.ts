import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type LodelineError, silentLogger } from "@lodeline/base";
import type { HubSocket } from "@lodeline/hub";
import { CLOSE_CODES, LIMITS } from "@lodeline/protocol";
import type { WebSocket } from "ws";
import { bindSocket } from "../src/link/link-socket.ts";

/** What a WebSocket does, without a network. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: string[] = [];
  readonly closes: [number, string][] = [];
  terminated = 0;
  send(text: string) {
    this.sent.push(text);
  }
  close(code: number, reason: string) {
    this.closes.push([code, reason]);
  }
  terminate() {
    this.terminated++;
  }
}

function bound(act: { text?: (text: string) => void } = {}) {
  const socket = new FakeSocket();
  const heard: string[] = [];
  const refused: LodelineError[] = [];
  const errors: string[] = [];
  let hub: HubSocket | undefined;
  bindSocket(socket as unknown as WebSocket, {
    logger: { ...silentLogger, error: (event) => void errors.push(event) },
    from: "addr_x",
    connect: (given) => {
      hub = given;
      return {
        text: act.text ?? ((text) => void heard.push(text)),
        refuse: (error) => void refused.push(error),
        closed: (code) => void heard.push(`closed ${code}`),
      };
    },
  });
  assert.ok(hub);
  return { socket, hub, heard, refused, errors };
}

describe("a socket of a link", () => {
  it("[SOCK1] passes text on, both ways, and says when it closes", () => {
    const { socket, hub, heard } = bound();
    socket.emit("message", Buffer.from("grüß dich"), false);
    hub.send("hello");
    socket.readyState = 3;
    hub.send("too late");
    socket.emit("close", 1006);
    assert.deepEqual([heard, socket.sent], [["grüß dich", "closed 1006"], ["hello"]]);
  });

  it("[SOCK2] refuses binary and what is too large, to the byte", () => {
    const { socket, heard, refused } = bound();
    socket.emit("message", Buffer.from("text"), true);
    socket.emit("message", Buffer.alloc(LIMITS.frameBytes, "x"), false);
    socket.emit("message", Buffer.alloc(LIMITS.frameBytes + 1, "x"), false);
    assert.deepEqual(
      refused.map(({ code, field }) => [code, field]),
      [
        ["protocol/malformed", "frame"],
        ["protocol/too-large", "frame"],
      ],
    );
    assert.equal(heard.length, 1);
  });

  it("[SOCK3] refuses a reader that owes too much, once, and not in the middle of a send", async () => {
    const { socket, hub, refused } = bound();
    socket.bufferedAmount = LIMITS.socketBacklogBytes;
    hub.send("at the limit");
    await turn();
    assert.equal(refused.length, 0);
    socket.bufferedAmount++;
    hub.send("above it");
    hub.send("still above it");
    assert.equal(refused.length, 0);
    await turn();
    assert.deepEqual(
      refused.map(({ code }) => code),
      ["link/slow-consumer"],
    );
  });

  it("[SOCK4] fits the close reason into a close frame without cutting a sign in two", () => {
    const { socket, hub } = bound();
    hub.close(CLOSE_CODES.normal, "bye");
    hub.close(CLOSE_CODES.normal, `x${"é".repeat(80)}`);
    assert.deepEqual(socket.closes, [
      [CLOSE_CODES.normal, "bye"],
      [CLOSE_CODES.normal, `x${"é".repeat(61)}`],
    ]);
  });

  it("[SOCK5] costs only itself when the hub fails at its input", () => {
    const broken = () => {
      throw new Error("the cellar is flooded");
    };
    const { socket, errors } = bound({ text: broken });
    assert.doesNotThrow(() => socket.emit("message", Buffer.from("text"), false));
    assert.deepEqual([socket.closes, errors], [[[CLOSE_CODES.internal, "server/internal"]], ["link input failed"]]);
  });
});
