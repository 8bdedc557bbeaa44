import { LodelineError } from "@lodeline/base";

/**
 * The token for a room: the one in the link's fragment (which never reaches a server's log), else one of an open
 * (development) server.
 *
 * @throws LodelineError `auth/token-missing` when the link has none and the server gives none.
 */
export async function tokenFor(room: string, name: string): Promise<string> {
  const inLink = new URLSearchParams(location.hash.slice(1)).get("token");
  if (inLink) return inLink;
  const response = await fetch("/v1/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ room, name, identity: identity() }),
  });
  if (!response.ok) throw new LodelineError("auth/token-missing", { detail: "This room needs an invitation link." });
  const body = (await response.json()) as { readonly token: string };
  return body.token;
}

/** Who this tab is towards an open server: the same over a reload, another in each tab. */
function identity(): string {
  const key = "lodeline.identity";
  const kept = sessionStorage.getItem(key);
  if (kept) return kept;
  const made = `guest-${crypto.randomUUID().slice(0, 8)}`;
  sessionStorage.setItem(key, made);
  return made;
}
