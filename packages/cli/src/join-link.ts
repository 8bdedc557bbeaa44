import { LodelineError } from "@lodeline/base";

/**
 * A link that opens a room in the page.
 *
 * @param url - Where the server is.
 * @param token - Rides in the fragment, which no browser sends to a server, so that it reaches no log.
 * @throws LodelineError `config/invalid` when `url` is no http address.
 */
export function joinLink(url: string, room: string, token?: string): string {
  const base = URL.parse(url);
  if (!base || !/^https?:$/.test(base.protocol)) {
    throw new LodelineError("config/invalid", { field: "url", detail: `"${url}" is no http address.` });
  }
  const link = new URL(`/r/${encodeURIComponent(room)}`, base);
  if (token !== undefined) link.hash = `token=${token}`;
  return link.href;
}
