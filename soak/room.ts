/**
 * `npm run soak:room -- [--minutes 30] [--seed n] [--people 6] [--topology mesh] [--together] [--calm] [--only words] [--record file]`
 *
 * A room of real Chromium pages under random faults. Every second what the ledger says, at the receiver and at the
 * server, is held against what an outside probe sees of the same track.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { seededRandom } from "@lodeline/base";
import { report } from "./room/report.ts";
import { runRoom } from "./room/run-room.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string" },
    people: { type: "string", default: "6" },
    topology: { type: "string", default: "sfu" },
    browsers: { type: "string", default: "1" },
    only: { type: "string" },
    together: { type: "boolean", default: false },
    calm: { type: "boolean", default: false },
    record: { type: "string" },
  },
});
const seed = Number(values.seed ?? Math.floor(Date.now() % 1_000_000));
const run = await runRoom({
  forMs: Number(values.minutes) * 60_000,
  people: Number(values.people),
  topology: values.topology === "mesh" ? "mesh" : "sfu",
  browsers: Number(values.browsers),
  random: seededRandom(seed),
  only: values.only,
  calm: values.calm,
  together: values.together,
  say: console.log,
});
if (values.record) writeFileSync(values.record, JSON.stringify(run, asData));
process.exit(report(run, seed, console.log) ? 0 : 1);

/** A map as an object: its keys are names. */
function asData(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
