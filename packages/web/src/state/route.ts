import { signal } from "@preact/signals";

/** Where the page is: its front, or a room's door. Being inside is not a place of its own: the link stays the same. */
export type Route = { readonly kind: "front" } | { readonly kind: "room"; readonly room: string };

/** The present route. Follows the address bar. */
export const route = signal<Route>(read(location.pathname));

addEventListener("popstate", () => {
  route.value = read(location.pathname);
});

/** Goes to a room's door, or back to the front. */
export function go(to: Route): void {
  history.pushState(null, "", pathOf(to));
  route.value = to;
}

/** The path of a route. */
export function pathOf(to: Route): string {
  return to.kind === "front" ? "/" : `/r/${encodeURIComponent(to.room)}`;
}

/** The room named in a link or typed by hand; `undefined` when it names none. */
export function roomIn(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (!trimmed.includes("/")) return trimmed.slice(0, 64);
  const found = read(URL.canParse(trimmed) ? new URL(trimmed).pathname : trimmed);
  return found.kind === "room" ? found.room : undefined;
}

function read(path: string): Route {
  const match = /^\/r\/([^/]+)\/?$/.exec(path);
  return match?.[1] ? { kind: "room", room: safeDecode(match[1]) } : { kind: "front" };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray per cent sign in a hand-typed address: the name is taken as it stands.
    return text;
  }
}
