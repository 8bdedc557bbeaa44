import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { KernelBinding } from "./kernel-binding.ts";

/** Where set-up puts what it compiled. */
const BUILT = fileURLToPath(new URL("../dist/kernel.node", import.meta.url));

let loaded: { readonly binding: KernelBinding | undefined; readonly why: string } | undefined;

/**
 * The packet kernel, where set-up could compile it.
 *
 * @returns `binding` or, when there is none, `why` in words. `LODELINE_NATIVE=0` in the environment turns it off.
 */
export function loadKernel(): { readonly binding: KernelBinding | undefined; readonly why: string } {
  if (process.env["LODELINE_NATIVE"] === "0") return { binding: undefined, why: "LODELINE_NATIVE is 0" };
  loaded ??= load();
  return loaded;
}

function load(): { binding: KernelBinding | undefined; why: string } {
  try {
    return { binding: createRequire(import.meta.url)(BUILT) as KernelBinding, why: "" };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND" ? "it is not built" : String(error);
    return { binding: undefined, why };
  }
}
