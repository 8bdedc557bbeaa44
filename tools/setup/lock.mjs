import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs `work` while no other set-up of this checkout does: two terminals must not both run `npm ci`.
 * A lock whose owner is gone is taken over.
 *
 * @template T
 * @param {string} root - The checkout; the lock lies in its ignored `.lodeline` folder.
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(root, work) {
  const folder = join(root, ".lodeline");
  const path = join(folder, "setup.lock");
  mkdirSync(folder, { recursive: true });
  let told = false;
  while (!take(path)) {
    if (!told) console.log("Another set-up is at work here; waiting for it.");
    told = true;
    await sleep(300);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * @param {string} path
 * @returns {boolean} Whether the lock is ours now.
 */
function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (!ownerIsGone(path)) return false;
    rmSync(path, { force: true });
    return false;
  }
}

/**
 * @param {string} path
 * @returns {boolean}
 */
function ownerIsGone(path) {
  try {
    const owner = Number(readFileSync(path, "utf8"));
    if (!Number.isInteger(owner) || owner <= 0) return false;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH";
  }
}
