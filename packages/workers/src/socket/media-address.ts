import { LodelineError } from "@lodeline/base";

/** Where a media process listens: a TCP port or a Unix socket. */
export type MediaAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** What the system takes of a Unix socket's path, in bytes, on every system that has them. */
const LONGEST_PATH = 103;

/**
 * Reads `127.0.0.1:7890`, `[::1]:7890`, the same after `tcp:` or `tcp://`, or `unix:/run/media.sock`.
 *
 * @param field - What to name when it is unfit.
 * @throws LodelineError `config/invalid` with `field`.
 */
export function parseMediaAddress(text: string, field: string): MediaAddress {
  const [, path] = /^unix:(?:\/\/)?(.+)$/.exec(text) ?? [];
  if (path !== undefined && Buffer.byteLength(path) <= LONGEST_PATH) return { kind: "unix", path };
  const [, bracketed, name, digits] =
    /^(?:tcp:(?:\/\/)?)?(?:\[([0-9a-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? name;
  const port = Number(digits);
  if (path === undefined && host !== undefined && port <= 65_535) return { kind: "tcp", host, port };
  const detail = `A media process is at host:port or unix:/path (at most ${LONGEST_PATH} bytes), not at "${text}".`;
  throw new LodelineError("config/invalid", { field, detail });
}

/** The address as it is written. */
export function formatMediaAddress(address: MediaAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `tcp://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
