import { type Clock, LodelineError } from "@lodeline/base";
import { type Hello, SERVER_PEER_IDENTITY, type Timers } from "@lodeline/protocol";
import type { Connection, Doorkeeper } from "./connection.ts";
import type { LinkHost } from "./link-host.ts";
import type { LinkTable } from "./link-table.ts";
import type { Authorization, AuthorizationPort } from "./ports.ts";

/** What {@link hubDoor} needs of the hub. */
export interface HubDoorOptions {
  readonly clock: Clock;
  readonly timers: Pick<Timers, "helloTimeoutMs">;
  readonly authorization: AuthorizationPort;
  readonly links: LinkTable;
  /** Whether nobody is let in any more. */
  isDraining(): boolean;
  /** Makes a link for whoever has shown who it is. */
  openLink(hello: Hello, authorization: Authorization): LinkHost;
  refused(error: LodelineError): void;
  /** The socket is over. */
  gone(connection: Connection): void;
}

/** Says who comes in at the hub, and on which link: its earlier one, or a new one. Nobody comes in as the server. */
export function hubDoor(options: HubDoorOptions): Doorkeeper {
  const { clock, timers, authorization, links } = options;
  return {
    clock,
    helloTimeoutMs: timers.helloTimeoutMs,
    get draining() {
      return options.isDraining();
    },
    authorize: (request, done) =>
      authorization.authorize(request, (result) => done(isReserved(result) ? RESERVED : result)),
    // A client opens one socket after the other, and speaks on each only while it is its last.
    overtaken: ({ resume, opening }, order, identity) =>
      (resume && (links.get(resume.link)?.socketOrder ?? 0) > order) ||
      (identity !== undefined && opening !== undefined && links.lastSocketOf(identity, opening) > order),
    resumed: ({ resume }) => resume && links.resumable(resume),
    opened: (hello, who) => links.opened(who.identity, hello.opening) ?? options.openLink(hello, who),
    refused: (error) => options.refused(error),
    gone: (connection) => options.gone(connection),
  };
}

const RESERVED = new LodelineError("auth/forbidden", {
  detail: "This identity belongs to the server.",
  field: "token",
});

function isReserved(result: Authorization | LodelineError): boolean {
  return !(result instanceof LodelineError) && result.identity === SERVER_PEER_IDENTITY;
}
