import { readFile } from "node:fs/promises";
import { LodelineError } from "@lodeline/base";
import { devCommand } from "./commands/dev.ts";
import { keyCommand } from "./commands/key.ts";
import { mediaCommand } from "./commands/media.ts";
import { serveCommand } from "./commands/serve.ts";
import { tokenCommand } from "./commands/token.ts";
import { EXIT } from "./exit-codes.ts";
import { HELP } from "./help.ts";
import type { Terminal } from "./terminal.ts";

type Command = (args: readonly string[], terminal: Terminal) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  dev: devCommand,
  serve: serveCommand,
  media: mediaCommand,
  key: keyCommand,
  token: tokenCommand,
};

/**
 * Runs one command line.
 *
 * @param args - Without the program's name.
 * @returns The exit code, one of {@link EXIT}. Never throws for what a person can get wrong.
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version" || name === "-v") return print(terminal, await version());
  if (name === "--help" || name === "-h" || name === "help") return print(terminal, HELP);
  if (name !== undefined && (rest.includes("--help") || rest.includes("-h"))) return print(terminal, HELP);
  const command = name === undefined ? undefined : COMMANDS[name];
  if (!command) {
    terminal.err(name === undefined ? HELP : `There is no command "${name}". See \`lodeline --help\`.`);
    return EXIT.usage;
  }
  try {
    return await command(rest, terminal);
  } catch (error) {
    if (!(error instanceof LodelineError)) throw error;
    terminal.err(`lodeline ${name}: ${error.detail} [${error.code}]`);
    return error.code.startsWith("config/") ? EXIT.usage : EXIT.failed;
  }
}

function print(terminal: Terminal, text: string): number {
  terminal.out(text.trimEnd());
  return EXIT.ok;
}

async function version(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return `lodeline ${(JSON.parse(text) as { version: string }).version}`;
}
