import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { executablePath } from "./browsers.ts";

const run = promisify(execFile);

/** Why there are no network namespaces here, or `undefined` where there are. */
export function noNamespaces(): string | undefined {
  const name = `ll-try-${process.pid}`;
  try {
    execFileSync("ip", ["netns", "add", name], { stdio: "pipe" });
    execFileSync("ip", ["netns", "exec", name, "ip", "link", "set", "lo", "up"], { stdio: "pipe" });
    execFileSync("ip", ["netns", "del", name], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error);
    return `network namespaces are not permitted here (${said})`;
  }
}

/**
 * A machine of its own as far as the network goes: one cable to this machine, whose end has an address that can be
 * replaced by another while everything runs. Needs the right to make namespaces. Disposing of it removes it.
 */
export class NetworkNamespace implements AsyncDisposable {
  readonly #name: string;
  readonly #net: string;
  readonly #directory: string;
  #last = 2;

  private constructor(name: string, index: number) {
    this.#name = name;
    this.#net = `10.213.${index}`;
    this.#directory = mkdtempSync(join(tmpdir(), "namespace-"));
  }

  /** @param index - 1 .. 254, unique among those of this test; the third part of its addresses. */
  static async make(index: number): Promise<NetworkNamespace> {
    const made = new NetworkNamespace(`ll${process.pid}-${index}`, index);
    const { ours, theirs } = made.#ends;
    await run("ip", ["netns", "add", made.#name]);
    await run("ip", ["link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", made.#name]);
    await run("ip", ["addr", "add", `${made.host}/24`, "dev", ours]);
    await run("ip", ["link", "set", ours, "up"]);
    await made.#inside("ip", "link", "set", "lo", "up");
    await made.#inside("ip", "link", "set", theirs, "up");
    await made.#inside("ip", "addr", "add", `${made.address}/24`, "dev", theirs);
    await made.#inside("ip", "route", "add", "default", "via", made.host);
    return made;
  }

  /** This machine, as it is seen from inside. */
  get host(): string {
    return `${this.#net}.1`;
  }

  /** The one address that there is inside. */
  get address(): string {
    return `${this.#net}.${this.#last}`;
  }

  /** A script that starts Chromium inside. */
  chromium(): string {
    const path = join(this.#directory, "chromium");
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${this.#name} ${executablePath("chromium")} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** The address goes and another comes, as when a machine changes its network. */
  async changeAddress(): Promise<void> {
    const { theirs } = this.#ends;
    const old = this.address;
    this.#last++;
    const lines = [
      `addr del ${old}/24 dev ${theirs}`,
      `addr add ${this.address}/24 dev ${theirs}`,
      `route replace default via ${this.host}`,
    ];
    const batch = join(this.#directory, "batch");
    writeFileSync(batch, `${lines.join("\n")}\n`);
    await this.#inside("ip", "-batch", batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true });
    await run("ip", ["netns", "del", this.#name]).catch(() => {});
    // The cable goes with the namespace, but only once the last process inside has ended.
    await run("ip", ["link", "del", this.#ends.ours]).catch(() => {});
  }

  /** Names of interfaces have at most 15 signs. */
  get #ends(): { readonly ours: string; readonly theirs: string } {
    const tag = `${process.pid % 100_000}-${this.#net.split(".")[2]}`;
    return { ours: `ll${tag}`, theirs: "cable" };
  }

  async #inside(command: string, ...args: readonly string[]): Promise<void> {
    await run("ip", ["netns", "exec", this.#name, command, ...args]);
  }
}
