import { LodelineError } from "@lodeline/base";
import { ownIdentity } from "./identity.ts";
import { hasMade } from "./preferences.ts";

const KEPT = "lodeline.invitation";

/**
 * A token: the one in the link's fragment (which never reaches a server's log), else one of an open (development)
 * server, else the one this tab came with.
 *
 * @param room - For what: a room, or calls alone. Whoever made the room in this browser asks to be its moderator.
 * @throws LodelineError `auth/token-missing` when there is none anywhere.
 */
export async function tokenFor(room: string | undefined, name: string): Promise<string> {
  const inLink = new URLSearchParams(location.hash.slice(1)).get("token");
  if (inLink) {
    keep(inLink);
    return inLink;
  }
  const given = await askServer({ room, name, identity: ownIdentity(), admin: room !== undefined && hasMade(room) });
  const token = given ?? kept();
  if (!token) throw new LodelineError("auth/token-missing", { detail: "You need an invitation link here." });
  return token;
}

async function askServer(wish: {
  room: string | undefined;
  name: string;
  identity: string;
  admin: boolean;
}): Promise<string | undefined> {
  const response = await fetch("/v1/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wish),
  });
  if (!response.ok) return undefined;
  const body = (await response.json()) as { readonly token: string };
  return body.token;
}

function keep(token: string): void {
  try {
    sessionStorage.setItem(KEPT, token);
  } catch {
    // Then it is gone with the link.
  }
}

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
