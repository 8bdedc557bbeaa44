import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { LodelineError, type Logger } from "@lodeline/base";
import type { HubConnection, HubSocket } from "@lodeline/hub";
import { LIMITS, LINK_PATH, SUBPROTOCOL } from "@lodeline/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import type { OriginPolicy } from "../http/origin-policy.ts";
import type { Redact } from "../redact.ts";
import { bindSocket, CLOSE_TIMEOUT_MS } from "./link-socket.ts";

/** What the gateway needs of the server around it. */
export interface GatewayOptions {
  /** The HTTP server whose upgrades it takes. */
  readonly server: Server;
  readonly origins: OriginPolicy;
  readonly logger: Logger;
  readonly redact: Redact;
  /** The hub's end: a socket was opened. */
  connect(socket: HubSocket): HubConnection;
}

/** Takes WebSockets on `/v1/link` and hands each to the hub. */
export interface Gateway {
  /** How many sockets are open, with and without a hello. */
  readonly socketCount: number;
  /** From now on an upgrade is answered with 503. Sockets that are open stay. */
  stopAccepting(): void;
  /** Ends when no socket is open. */
  emptied(): Promise<void>;
  /** Drops every socket that is still open, without a word. */
  terminate(): void;
}

/** Makes a {@link Gateway} on an HTTP server; closing that server's sockets is the gateway's business from then on. */
export function createGateway(options: GatewayOptions): Gateway {
  const { server, origins } = options;
  const sockets = new Set<WebSocket>();
  let waiting: (() => void)[] = [];
  let accepting = true;
  const wss = new WebSocketServer(SOCKET_OPTIONS);

  const accepted = (socket: WebSocket, request: IncomingMessage) => {
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size > 0) return;
      for (const done of waiting) done();
      waiting = [];
    });
    const connection = bindSocket(socket, { ...options, from: options.redact("addr", addressOf(request)) });
    // A socket is opened even for these two, because a page sees no HTTP status of a refused upgrade, only close codes.
    if (!origins.allows(request.headers.origin, request.headers.host)) {
      connection.refuse(new LodelineError("auth/origin", { field: "origin" }));
    } else if (socket.protocol !== SUBPROTOCOL) {
      const detail = `The subprotocol \`${SUBPROTOCOL}\` has to be offered.`;
      connection.refuse(new LodelineError("protocol/version", { field: "sec-websocket-protocol", detail }));
    }
  };

  server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Whoever hangs up in the middle of the upgrade must not end the process. The listener stays as long as the socket:
    // a closure made here would keep the request, with all its headers, for as long.
    stream.on("error", destroyStream);
    if (pathOf(request) !== LINK_PATH) return answer(stream, "404 Not Found");
    if (!origins.knowsHost(request.headers.host)) return answer(stream, "403 Forbidden");
    if (!accepting) return answer(stream, "503 Service Unavailable");
    wss.handleUpgrade(request, stream, head, (socket) => accepted(socket, request));
  });

  return {
    get socketCount() {
      return sockets.size;
    },
    stopAccepting: () => {
      accepting = false;
    },
    emptied: () => new Promise((resolve) => (sockets.size === 0 ? resolve() : waiting.push(resolve))),
    terminate: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}

const SOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  // A frame just above the limit is read and answered with a reason; one far above is cut off by close code alone.
  maxPayload: 2 * LIMITS.frameBytes,
  closeTimeout: CLOSE_TIMEOUT_MS,
  handleProtocols: (offered: Set<string>) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
} as const;

function destroyStream(this: Duplex): void {
  this.destroy();
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "unknown";
}

function answer(stream: Duplex, status: string): void {
  stream.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => stream.destroy());
}
