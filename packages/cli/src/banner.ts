import type { SigningKey } from "@lodeline/server";

/** What `lodeline dev` says once it listens. */
export function devBanner(
  links: { readonly url: string; readonly join: string; readonly moderate: string },
  hasPage: boolean,
): readonly string[] {
  return [
    "",
    `  Lodeline is running at ${links.url}`,
    "",
    `  Join a room    ${links.join}`,
    `  as moderator   ${links.moderate}`,
    "",
    ...(hasPage ? [] : ["  The page is not built, so these links show a line of text.", ""]),
    "  Open to this machine only. Ctrl+C ends it.",
    "",
  ];
}

/** Which keys a server uses, without their secrets. */
export function keyHint(keys: readonly SigningKey[]): string {
  return `Tokens are verified by ${keys.length === 1 ? "the key" : "the keys"} ${keys.map((key) => key.id).join(", ")}.`;
}
