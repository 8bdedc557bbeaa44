import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The address that everybody has in the namespace. */
export const NAMESPACE_ADDRESS = "10.99.0.1";

const MARK = "LODELINE_BENCH_NAMESPACE";
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Whether this process is in a namespace that {@link runInNamespace} made. */
export function inNamespace(): boolean {
  return process.env[MARK] === "1";
}

/**
 * Runs one bench again in a network namespace of its own, with one interface that is not the loopback's: Janus does not use
 * that, and nothing in there can leave the machine.
 *
 * @throws Error when the bench fails in there, or no namespace can be made here.
 */
export function runInNamespace(bench: string): void {
  // An intermediate functional block or a bridge: whichever kind of interface without a cable this kernel has.
  const link = ["ifb", "dummy", "bridge"].map((kind) => `ip link add lode0 type ${kind} 2>/dev/null`).join(" || ");
  const setUp = `ip link set lo up && { ${link}; } && ip addr add ${NAMESPACE_ADDRESS}/24 dev lode0 && ip link set lode0 up`;
  const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const args = [...user, "--net", "sh", "-c", `${setUp} && exec "$@"`, "sh"];
  const again = [process.execPath, ...process.execArgv, MAIN, bench];
  const { status } = spawnSync("unshare", [...args, ...again], {
    stdio: "inherit",
    env: { ...process.env, [MARK]: "1" },
  });
  if (status !== 0) throw new Error(`the bench failed in its network namespace (exit ${status})`);
}
