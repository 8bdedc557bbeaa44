import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { judge } from "../soak/room/judge.ts";
import { report } from "../soak/room/report.ts";
import { runRoom } from "../soak/room/run-room.ts";

/** What the long run does in half an hour with six: see soak/README.md. */
const SHORT = { forMs: 30_000, people: 4 } as const;
/** So short a run has few rows: one that is wrong for a second weighs more than in half an hour. */
const WANTED = 0.995;

describe("the ledger's word and an outside probe, in Chromium", { timeout: 180_000 }, () => {
  it("agree in a room of four under faults", async (t) => {
    const seed = Math.floor(Date.now() % 1_000_000);
    const say = (line: string) => t.diagnostic(line);
    const run = { ...SHORT, topology: "sfu", browsers: 1, only: undefined, calm: false, together: false } as const;
    const record = await runRoom({ ...run, random: seededRandom(seed), say });
    report(record, seed, say);
    const { judged, flowing, disagreements } = judge(record);
    assert.deepEqual(record.troubles, []);
    assert.ok(flowing > 300, `media was seen in ${flowing} row-seconds`);
    assert.ok(disagreements.length <= (1 - WANTED) * judged, JSON.stringify(disagreements.slice(0, 10)));
  });
});
