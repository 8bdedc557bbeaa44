import { LodelineError } from "@lodeline/base";
import { SOURCES, type Sources } from "@lodeline/protocol";
import type { Grants } from "./ports.ts";

/** Why these sources may not be published with this token; `undefined` when they may. What the role forbids is the room's. */
export function publishRefusal(grants: Grants, sources: Sources): LodelineError | undefined {
  const allowed = grants.publishSources;
  if (allowed === undefined) return undefined;
  for (const source of SOURCES) {
    if (sources[source].intent === "unpublished" || allowed.includes(source)) continue;
    const detail = `The token does not allow publishing \`${source}\`.`;
    return new LodelineError("auth/forbidden", { detail, field: `sources.${source}` });
  }
  return undefined;
}
