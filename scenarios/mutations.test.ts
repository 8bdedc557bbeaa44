import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MUTATIONS, type Mutation, runSchedule } from "@lodeline/testkit";

/** A runner that cannot fail proves nothing: each thing broken on purpose has to be seen within this many schedules. */
const SEEDS = 300;

/** What the runner must say of each. */
const SIGNS: Readonly<Record<Mutation, RegExp>> = {
  "keep-ghosts": /sees another room|has \d+ places|should be/,
  "two-initiators": /glare|pair is|sees another room/,
  "lying-receivers": /nothing arrives in truth/,
  "leaking-devices": /device is still on/,
  "early-connected": /tracks enabled while/,
  "lost-slots": /should be received/,
  "lost-hangups": /call:/,
  "endless-leases": /ghost|has \d+ places/,
  "graceless-byes": /held \S+ before and holds/,
  "lost-writes": /held \S+ before and holds/,
  "deaf-to-moderators": /it is heard although/,
};

describe("the runner sees what is broken on purpose", () => {
  for (const mutation of Object.keys(MUTATIONS) as Mutation[]) {
    it(mutation, (t) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { failures } = runSchedule(seed, { mutation });
        if (!failures.some((failure) => SIGNS[mutation].test(failure))) continue;
        const whole = runSchedule(seed);
        assert.deepEqual(whole.failures, [], `seed ${seed} fails without the mutation as well`);
        t.diagnostic(`seen at seed ${seed}: ${failures[0]}`);
        return;
      }
      assert.fail(`not seen in ${SEEDS} schedules`);
    });
  }
});
