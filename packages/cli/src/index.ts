export { runCli } from "./cli.ts";
export { EXIT } from "./exit-codes.ts";
export { processTerminal, type Terminal } from "./terminal.ts";
