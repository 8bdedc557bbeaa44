import { isIP } from "node:net";

/** Which pages may talk to this server. */
export interface OriginPolicy {
  /**
   * @param origin - The `Origin` header; absent from clients that are no browsers, and those may.
   * @param host - The `Host` header of the same request.
   */
  allows(origin: string | undefined, host: string | undefined): boolean;
  /**
   * Whether the `Host` header names this server. On an open server only loopback names do: otherwise any page in the
   * world could reach it by pointing a name of its own at 127.0.0.1 (DNS rebinding).
   */
  knowsHost(host: string | undefined): boolean;
}

/**
 * Makes an {@link OriginPolicy}.
 *
 * @param options.origins - Allowed beside the server's own.
 * @param options.open - Whether the server is open: then every loopback page may, and no other host is known.
 */
export function createOriginPolicy(options: {
  readonly origins: readonly string[];
  readonly open: boolean;
}): OriginPolicy {
  const listed = new Set(options.origins.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
  return {
    allows: (origin, host) => {
      if (origin === undefined) return true;
      if (listed.has(origin.toLowerCase())) return true;
      const page = parseOrigin(origin);
      if (!page) return false;
      if (options.open && isLoopbackHost(page.hostname)) return true;
      // Only host and port are compared: behind a proxy that ends TLS the page is https and this server http.
      return host !== undefined && page.host === host.toLowerCase();
    },
    knowsHost: (host) => {
      if (!options.open) return true;
      return host !== undefined && isLoopbackHost(parseOrigin(`http://${host}`)?.hostname ?? "");
    },
  };
}

function parseOrigin(origin: string): URL | undefined {
  const url = URL.parse(origin);
  return url && (url.protocol === "http:" || url.protocol === "https:") ? url : undefined;
}

/**
 * Whether a host name or address can only mean this machine: `localhost` and what ends in it (RFC 6761), 127.0.0.0/8,
 * ::1.
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$/g, "");
  if (bare === "localhost" || bare.endsWith(".localhost") || bare === "::1") return true;
  return isIP(bare) === 4 && bare.startsWith("127.");
}
