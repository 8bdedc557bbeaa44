import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLogger } from "../src/log.ts";
import { createRedact } from "../src/redact.ts";

describe("logs", () => {
  it("[LOG1] are one JSON object a line, from their level on", () => {
    const lines: string[] = [];
    const logger = createLogger({ level: "info", destination: { write: (line) => lines.push(line) } });
    logger.info("room opened", { roomId: "den", size: 3, gone: undefined });
    logger.debug("unheard");
    logger.warn("bare");
    assert.equal(lines.length, 2);
    const { at, ...first } = JSON.parse(lines[0] ?? "");
    assert.deepEqual(first, { level: "info", event: "room opened", roomId: "den", size: 3 });
    assert.ok(!Number.isNaN(Date.parse(at)));
    assert.deepEqual(Object.keys(JSON.parse(lines[1] ?? "")), ["level", "at", "event"]);
  });

  it("[LOG2] mark a value without showing it", () => {
    const redact = createRedact();
    const mark = redact("addr", "192.0.2.7");
    assert.match(mark, /^addr_[0-9a-f]{10}$/);
    assert.equal(redact("addr", "192.0.2.7"), mark);
    assert.notEqual(redact("addr", "192.0.2.8"), mark);
    assert.notEqual(createRedact()("addr", "192.0.2.7"), mark);
  });
});
