import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { createSigningKey } from "../src/auth/signing-key.ts";
import type { ServerOptions } from "../src/server-options.ts";
import { resolveSettings } from "../src/settings.ts";

const keys = [createSigningKey(seededRandom(1))];
const open: ServerOptions = { access: { kind: "open" } };

describe("settings", () => {
  it("[SET1] need a key where the server is not open", () => {
    assert.throws(() => resolveSettings({ access: { kind: "keys", keys: [] } }), { code: "config/no-key" });
    assert.equal(resolveSettings({ access: { kind: "keys", keys }, host: "0.0.0.0" }).open, false);
  });

  it("[SET1] make a key of their own for an open server", () => {
    const { keys: made, port, host, timers } = resolveSettings({ ...open, timers: { leaseMs: 9 } });
    assert.equal(made.length, 1);
    assert.deepEqual([port, host, timers], [7880, "127.0.0.1", { ...DEFAULT_TIMERS, leaseMs: 9 }]);
  });

  it("[SET2] keep an open server on loopback", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) resolveSettings({ ...open, host });
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example.org"]) {
      assert.throws(() => resolveSettings({ ...open, host }), { code: "config/invalid", field: "host" });
    }
  });

  it("[SET3] allow faults on an open server only", () => {
    assert.equal(resolveSettings({ ...open, faults: true }).faults, true);
    const closed = { access: { kind: "keys", keys }, faults: true } as const;
    assert.throws(() => resolveSettings(closed), { code: "config/invalid", field: "faults" });
  });

  const unfit: readonly (readonly [string, Partial<ServerOptions>])[] = [
    ["port", { port: 65_536 }],
    ["port", { port: 1.5 }],
    ["timers.leaseMs", { timers: { leaseMs: 0 } }],
    ["timers.ackDelayMs", { timers: { ackDelayMs: Number.NaN } }],
    ["media.portRange", { media: { portRange: { first: 50_000, last: 40_000 } } }],
    ["media.portRange", { media: { workers: 2, portRange: { first: 50_000, last: 50_000 } } }],
    ["media.workers", { media: { workers: -1 } }],
    ["media.roomPerWorker", { media: { roomPerWorker: 0 } }],
    ["media.workers", { media: { workers: 1.5 } }],
    ["loudestSpeakers", { loudestSpeakers: -1 }],
  ];
  for (const [field, options] of unfit) {
    it(`[SET4] refuse ${JSON.stringify(options)}`, () => {
      assert.throws(() => resolveSettings({ ...open, ...options }), { code: "config/invalid", field });
    });
  }
});
