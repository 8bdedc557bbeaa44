import { cryptoRandom } from "@lodeline/base";
import { createSigningKey, formatSigningKey } from "@lodeline/server";
import { readOptions } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** `lodeline key`: prints a new signing key, and nothing else, so that it can be sent into a file. */
export async function keyCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  readOptions(args, {});
  terminal.out(formatSigningKey(createSigningKey(cryptoRandom((into) => crypto.getRandomValues(into)))));
  return EXIT.ok;
}
