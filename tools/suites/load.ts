/**
 * Imports the test files named on the command line into this one process. A file that cannot be
 * loaded becomes a failing test with its name, and the others still run.
 */
import { writeSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { EVENTS_FD, type SuiteEvent } from "./events.ts";

for (const file of process.argv.slice(2)) {
  const loading: SuiteEvent = { kind: "loading", file };
  writeSync(EVENTS_FD, `${JSON.stringify(loading)}\n`);
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    test(`${file} can be loaded`, () => {
      throw error;
    });
  }
}
