import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { fuzzPath } from "./fuzz-paths.ts";
import { closeKernels, PACKET_PATHS } from "./plane-rig.ts";

describe("whatever comes from outside", () => {
  after(closeKernels);
  for (const path of PACKET_PATHS) {
    it(`[SEC6] ends nothing, by ${path}; npm run fuzz goes on from here`, async () => {
      const fed = await fuzzPath(path, 1, 20_000);
      assert.ok(
        Object.values(fed).every((count) => count > 100),
        JSON.stringify(fed),
      );
    });
  }
});
