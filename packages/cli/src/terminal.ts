/** Where a command writes, and what it reads of its surroundings: handed in, so that tests can look. */
export interface Terminal {
  /** One line for whoever uses the result: standard output. */
  out(line: string): void;
  /** One line for a person: standard error. */
  err(line: string): void;
  readonly environment: NodeJS.ProcessEnv;
}

/** The process's own. */
export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  environment: process.env,
};
