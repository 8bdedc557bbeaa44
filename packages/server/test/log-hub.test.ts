import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Emitter, type LogFields, type Logger, silentLogger } from "@lodeline/base";
import type { Hub, HubEvents } from "@lodeline/hub";
import { logHub } from "../src/log-hub.ts";
import { createRedact } from "../src/redact.ts";

describe("the hub's log", () => {
  it("[LOG3] names nobody in clear", () => {
    const lines: [string, LogFields | undefined][] = [];
    const write = (event: string, fields?: LogFields) => void lines.push([event, fields]);
    const logger: Logger = { error: write, warn: write, info: write, debug: write, trace: write };
    const events = new Emitter<HubEvents>();
    logHub(events as unknown as Hub, logger, createRedact());
    events.emit("link", { link: "lk_1", identity: "ada@example.org", what: "opened" });
    events.emit("joined", { room: "den", participant: "p_1", identity: "ada@example.org", incarnation: 1 });
    events.emit("call", { session: "s_1", from: "ada@example.org", to: "bob@example.org", what: "ringing" });
    assert.deepEqual(
      lines.map(([event]) => event),
      ["link opened", "participant joined", "call ringing"],
    );
    assert.doesNotMatch(JSON.stringify(lines), /@example/);
    assert.equal(lines[0]?.[1]?.identity, lines[1]?.[1]?.identity);
  });

  it("[LOG4] has a debug line for each step", () => {
    const lines: [string, LogFields | undefined][] = [];
    const logger = { ...silentLogger, debug: (event: string, fields?: LogFields) => void lines.push([event, fields]) };
    const events = new Emitter<HubEvents>();
    logHub(events as unknown as Hub, logger, createRedact());
    const step = { session: "s_1", plan: "stop", step: "close-connection", outcome: "done", durationMs: 3 } as const;
    events.emit("step", { room: "den", participant: "p_1", ...step });
    assert.deepEqual(lines, [
      [
        "session step",
        {
          roomId: "den",
          participantId: "p_1",
          sessionId: "s_1",
          plan: "stop",
          step: "close-connection",
          outcome: "done",
          durationMs: 3,
          code: undefined,
        },
      ],
    ]);
  });
});
