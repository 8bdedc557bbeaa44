import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";

const SOURCES = "packages/native/c";
const BUILT = "packages/native/dist/kernel.node";
/** Of the last attempt, so that what could not be compiled is not tried again until something changes. */
const RECORD = ".lodeline/kernel.json";

/** Warnings are errors: the code is read by several compilers and must please them all. */
export const KERNEL_FLAGS = [
  "-std=gnu11",
  "-D_GNU_SOURCE",
  "-DNAPI_VERSION=9",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-fvisibility=hidden",
];

/**
 * Compiles the packet kernel, when it is not there or its sources changed. Without a compiler, or where it does not
 * compile, says so in one line, once; everything works without it, slower.
 *
 * @param {string} root - The checkout, with dependencies installed.
 */
export async function ensureKernel(root) {
  const wanted = fingerprint(root);
  if (isSettled(root, wanted)) return;
  await withLock(root, async () => {
    if (!isSettled(root, wanted)) attempt(root, wanted);
  });
}

/**
 * @param {string} root
 * @param {string} wanted
 */
function isSettled(root, wanted) {
  const record = readRecord(root);
  if (record.fingerprint !== wanted) return false;
  return record.built === true ? existsSync(join(root, BUILT)) : record.compiler === findCompiler();
}

/**
 * @param {string} root
 * @param {string} wanted
 */
function attempt(root, wanted) {
  const compiler = findCompiler();
  const failure =
    process.platform !== "linux"
      ? "it is for Linux"
      : compiler === undefined
        ? "there is no C compiler (cc)"
        : compile(root, compiler);
  mkdirSync(join(root, ".lodeline"), { recursive: true });
  writeFileSync(
    join(root, RECORD),
    `${JSON.stringify({ fingerprint: wanted, built: failure === undefined, compiler })}\n`,
  );
  if (failure === undefined) return;
  rmSync(join(root, BUILT), { force: true });
  console.log(`The packet kernel is not built: ${failure}. Packets are moved in TypeScript, which costs more CPU.`);
}

/** @returns {string | undefined} */
function findCompiler() {
  return ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
}

/**
 * @param {string} root
 * @param {string} compiler
 * @returns {string | undefined} What went wrong.
 */
function compile(root, compiler) {
  const started = performance.now();
  process.stdout.write("Compiling the packet kernel ... ");
  mkdirSync(join(root, "packages/native/dist"), { recursive: true });
  const made = `${BUILT}.${process.pid}`;
  const args = [
    "-shared",
    "-fPIC",
    "-O3",
    ...KERNEL_FLAGS,
    "-isystem",
    "node_modules/node-api-headers/include",
    ...sources(root, ["", "addon"]),
    "-lm",
    "-o",
    made,
  ];
  const { status, stderr, error } = spawnSync(compiler, args, { cwd: root, encoding: "utf8" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) {
    console.log(`failed in ${seconds} s`);
    const [first = String(error ?? "no reason given")] = (stderr ?? "")
      .split("\n")
      .filter((line) => /error/i.test(line));
    return `${compiler} said: ${first}`;
  }
  // At once, so that a process that loads it meanwhile finds the old one or the new one, whole.
  renameSync(join(root, made), join(root, BUILT));
  console.log(`done in ${seconds} s`);
  return undefined;
}

/**
 * @param {string} root
 * @param {readonly string[]} folders - Below `c/`.
 * @returns {string[]} C files, relative to the root.
 */
export function sources(root, folders) {
  return folders.flatMap((folder) =>
    readdirSync(join(root, SOURCES, folder))
      .filter((name) => name.endsWith(".c"))
      .sort()
      .map((name) => join(SOURCES, folder, name)),
  );
}

/** @param {string} root */
function fingerprint(root) {
  const hash = createHash("sha256").update(JSON.stringify(KERNEL_FLAGS)).update(process.arch);
  for (const folder of ["", "addon"]) {
    for (const name of readdirSync(join(root, SOURCES, folder)).sort()) {
      if (/\.[ch]$/.test(name)) hash.update(`${name}\0`).update(readFileSync(join(root, SOURCES, folder, name)));
    }
  }
  return hash.digest("hex");
}

/**
 * @param {string} root
 * @returns {{ fingerprint?: string, built?: boolean, compiler?: string }}
 */
function readRecord(root) {
  try {
    return JSON.parse(readFileSync(join(root, RECORD), "utf8"));
  } catch {
    return {};
  }
}
