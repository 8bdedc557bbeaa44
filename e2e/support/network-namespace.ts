import { execFile, execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { executablePath } from "./browsers.ts";

const run = promisify(execFile);

/** Why there are no network namespaces here, or `undefined` where there are. */
export function noNamespaces(): string | undefined {
  return refusalOf("network namespaces are not permitted here", "ip", "link", "set", "lo", "up");
}

/** Why no namespace can translate addresses here, or `undefined` where one can. */
export function noTranslation(): string | undefined {
  return noNamespaces() ?? refusalOf("there is no nft here to make a NAT with", "nft", "add", "table", "ip", "nat");
}

/** Tries a command in a namespace of its own. */
function refusalOf(what: string, ...command: readonly string[]): string | undefined {
  const name = `ll-try-${process.pid}`;
  try {
    execFileSync("ip", ["netns", "add", name], { stdio: "pipe" });
    execFileSync("ip", ["netns", "exec", name, ...command], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error);
    return `${what} (${said})`;
  } finally {
    spawnSync("ip", ["netns", "del", name], { stdio: "ignore" });
  }
}

/** Stands for this machine's own namespace as the far end of a cable. */
export const HERE = "here";

/** Where a cable ends. */
export interface CableEnd {
  readonly at: NetworkNamespace | typeof HERE;
  /** At most 15 signs. */
  readonly name: string;
  /** With the length of its prefix. */
  readonly address: string;
}

/**
 * A machine of its own as far as the network goes: what runs inside has only the cables that were put in. Needs the right
 * to make namespaces. Disposing of it removes it, and its cables with it.
 */
export class NetworkNamespace implements AsyncDisposable {
  readonly #name: string;
  readonly #directory: string;
  readonly #farEnds: string[] = [];

  private constructor(name: string) {
    this.#name = name;
    this.#directory = mkdtempSync(join(tmpdir(), "namespace-"));
  }

  /** @param name - Unique among those of this process. */
  static async make(name: string): Promise<NetworkNamespace> {
    const made = new NetworkNamespace(`ll${process.pid}-${name}`);
    await run("ip", ["netns", "add", made.#name]);
    await made.ip("link set lo up");
    return made;
  }

  /** Puts in one end of a cable, with its address; the other end is `far`. */
  async connect(near: Omit<CableEnd, "at">, far: CableEnd): Promise<void> {
    const netns = far.at === HERE ? [] : ["netns", far.at.#name];
    const peer = ["peer", "name", far.name, ...netns];
    // Made from outside, so that the far end may be this machine's own.
    await run("ip", ["link", "add", near.name, "netns", this.#name, "type", "veth", ...peer]);
    await this.ip(`addr add ${near.address} dev ${near.name}`, `link set ${near.name} up`);
    const lines = [`addr add ${far.address} dev ${far.name}`, `link set ${far.name} up`];
    if (far.at !== HERE) return far.at.ip(...lines);
    this.#farEnds.push(far.name);
    for (const line of lines) await NetworkNamespace.here(line);
  }

  /** Runs one line of `ip` in this machine's own namespace. */
  static async here(line: string): Promise<void> {
    await run("ip", line.split(" "));
  }

  /** Runs lines of `ip` inside, all in one process: nothing sees the time between them. */
  async ip(...lines: readonly string[]): Promise<void> {
    const batch = join(this.#directory, "batch");
    writeFileSync(batch, `${lines.join("\n")}\n`);
    await this.exec("ip", "-batch", batch);
  }

  /** Runs a command inside. */
  async exec(command: string, ...args: readonly string[]): Promise<void> {
    await run("ip", ["netns", "exec", this.#name, command, ...args]);
  }

  /** A script that starts Chromium inside. */
  chromium(): string {
    const path = join(this.#directory, "chromium");
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${this.#name} ${executablePath("chromium")} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true });
    await run("ip", ["netns", "del", this.#name]).catch(() => {});
    // A cable goes with the namespace, but only once the last process inside has ended.
    for (const name of this.#farEnds) await run("ip", ["link", "del", name]).catch(() => {});
  }
}
