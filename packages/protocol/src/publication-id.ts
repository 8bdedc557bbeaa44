import type { Source } from "./primitives.ts";
import { SOURCES } from "./sources.ts";

/** Names one participant's publication of one source: `<participant>:<source>`. Stable over reloads and replays. */
export function publicationId(participant: string, source: Source): string {
  return `${participant}:${source}`;
}

/** The parts of a {@link publicationId}; `undefined` when it is none. */
export function parsePublicationId(publication: string): { participant: string; source: Source } | undefined {
  const colon = publication.lastIndexOf(":");
  const named = publication.slice(colon + 1);
  const source = SOURCES.find((one) => one === named);
  if (colon < 1 || source === undefined) return undefined;
  return { participant: publication.slice(0, colon), source };
}

/** Names one participant's subscription to a publication: `<publication>><receiver>`. */
export function subscriptionId(publication: string, receiver: string): string {
  return `${publication}>${receiver}`;
}
