import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOriginPolicy, isLoopbackHost } from "../src/http/origin-policy.ts";

const closed = createOriginPolicy({ origins: ["https://call.example.org/"], open: false });
const open = createOriginPolicy({ origins: [], open: true });

describe("origin policy", () => {
  const cases: readonly (readonly [string | undefined, string | undefined, boolean])[] = [
    [undefined, "lode.example.org", true],
    ["https://lode.example.org", "lode.example.org", true],
    ["https://lode.example.org", "lode.example.org:8443", false],
    ["https://call.example.org", "lode.example.org", true],
    ["HTTPS://CALL.EXAMPLE.ORG", "lode.example.org", true],
    ["https://call.example.org.evil.net", "lode.example.org", false],
    ["https://evil.net", "lode.example.org", false],
    ["http://127.0.0.1:5173", "lode.example.org", false],
    ["null", "lode.example.org", false],
    ["file://lode.example.org", "lode.example.org", false],
    ["https://evil.net", undefined, false],
  ];
  for (const [origin, host, allowed] of cases) {
    it(`[ORG1] ${allowed ? "lets in" : "keeps out"} ${origin} at ${host}`, () => {
      assert.equal(closed.allows(origin, host), allowed);
    });
  }

  it("[ORG2] of an open server lets in loopback pages and no others", () => {
    assert.ok(open.allows("http://localhost:5173", "127.0.0.1:7880"));
    assert.ok(open.allows("http://[::1]:80", "127.0.0.1:7880"));
    assert.ok(!open.allows("http://evil.net", "127.0.0.1:7880"));
  });

  it("[ORG2] of an open server answers to loopback names only", () => {
    for (const host of ["127.0.0.1:7880", "localhost", "[::1]:7880"]) assert.ok(open.knowsHost(host), host);
    for (const host of ["rebound.evil.net:7880", "127.0.0.1.evil.net", "", undefined]) assert.ok(!open.knowsHost(host));
    assert.ok(closed.knowsHost("anything.example.org"));
  });

  it("[ORG2] knows loopback from what only looks like it", () => {
    for (const host of ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
      assert.ok(isLoopbackHost(host));
    for (const host of ["10.0.0.1", "127.example.org", "localhost.evil.net", "::2", ""])
      assert.ok(!isLoopbackHost(host));
  });
});
