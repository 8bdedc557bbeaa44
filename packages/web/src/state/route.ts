import { signal } from "@preact/signals";

/** Where the page is. Being inside a room or in a call is not a place of its own: the link stays the same. */
export type Route =
  | { readonly kind: "front" }
  | { readonly kind: "room"; readonly room: string }
  /** `name` is what the link says of who is called; nobody vouches for it. */
  | { readonly kind: "call"; readonly identity: string; readonly name: string | undefined };

/** The present route. Follows the address bar. */
export const route = signal<Route>(read(new URL(location.href)));

addEventListener("popstate", () => {
  route.value = read(new URL(location.href));
});

/** Goes to a room's door, to a call's, or back to the front. */
export function go(to: Route): void {
  history.pushState(null, "", pathOf(to));
  route.value = to;
}

/** The path of a route. */
export function pathOf(to: Route): string {
  if (to.kind === "front") return "/";
  if (to.kind === "room") return `/r/${encodeURIComponent(to.room)}`;
  const name = to.name ? `?name=${encodeURIComponent(to.name)}` : "";
  return `/call/${encodeURIComponent(to.identity)}${name}`;
}

/** The room named in a link or typed by hand; `undefined` when it names none. */
export function roomIn(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (!trimmed.includes("/")) return trimmed.slice(0, 64);
  const found = readText(trimmed);
  return found.kind === "room" ? found.room : undefined;
}

/** Who is named in a call link or typed by hand; `undefined` when nobody is. */
export function calledIn(text: string): Extract<Route, { kind: "call" }> | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (!trimmed.includes("/")) return { kind: "call", identity: trimmed.slice(0, 64), name: undefined };
  const found = readText(trimmed);
  return found.kind === "call" ? found : undefined;
}

function readText(text: string): Route {
  return read(URL.canParse(text) ? new URL(text) : new URL(text, location.origin));
}

function read({ pathname, searchParams }: URL): Route {
  const [, kind, name] = /^\/(r|call)\/([^/]+)\/?$/.exec(pathname) ?? [];
  if (!name) return { kind: "front" };
  const named = safeDecode(name);
  if (kind === "r") return { kind: "room", room: named };
  return { kind: "call", identity: named, name: searchParams.get("name")?.slice(0, 80) || undefined };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray per cent sign in a hand-typed address: the name is taken as it stands.
    return text;
  }
}
