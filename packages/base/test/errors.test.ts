import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  assert as assertThat,
  ERROR_CODES,
  isErrorCode,
  LodelineError,
  silentLogger,
  toLodelineError,
  unreachable,
} from "@lodeline/base";

describe("errors", () => {
  it("[BASE17] carries code, detail and field, and keeps the cause to itself", () => {
    const cause = new Error("a secret path");
    const error = new LodelineError("sdp/unusable", { detail: "Line 7 is none.", field: "sdp:7", cause });
    assert.equal(error.message, "[sdp/unusable] Line 7 is none.");
    assert.equal(error.detail, "Line 7 is none.");
    assert.equal(error.field, "sdp:7");
    assert.equal(error.retry, "never");
    assert.equal(error.cause, cause);
    assert.ok(!error.message.includes("secret"));
    const plain = new LodelineError("room/full");
    assert.equal(plain.message, `[room/full] ${ERROR_CODES["room/full"].summary}`);
    assert.equal(plain.field, undefined);
    assert.ok(!("cause" in plain));
  });

  it("[BASE18] makes one of whatever was thrown", () => {
    const error = new LodelineError("aborted");
    assert.equal(toLodelineError(error), error);
    const other = toLodelineError("text", "timeout");
    assert.equal(other.code, "timeout");
    assert.equal(other.cause, "text");
    assert.equal(toLodelineError(undefined).code, "server/internal");
  });

  it("[BASE19] every code has its form, its summary and its retry", () => {
    for (const [code, { retry, summary }] of Object.entries(ERROR_CODES)) {
      assert.match(code, /^[a-z]+(\/[a-z]+(-[a-z]+)*)?$/);
      assert.match(summary, /^[A-Z`].*\.$/, code);
      assert.ok(["never", "backoff", "renegotiate", "ask-person"].includes(retry), code);
      assert.ok(isErrorCode(code));
    }
    for (const text of ["", "toString", "room/", "constructor"]) assert.equal(isErrorCode(text), false);
  });

  it("[BASE20] a broken assertion is a bug, not an outcome", () => {
    assertThat(1, "never");
    assert.throws(
      () => assertThat(0, "zero"),
      (error) => error instanceof Error && !(error instanceof LodelineError) && error.message === "bug: zero",
    );
    assert.throws(() => unreachable({ kind: "x" } as never), /bug: unexpected value/);
  });

  it("[BASE21] the silent logger takes everything", () => {
    for (const level of ["error", "warn", "info", "debug", "trace"] as const) silentLogger[level]("event", { a: 1 });
  });
});
