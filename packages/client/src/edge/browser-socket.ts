import type { Logger } from "@lodeline/base";
import type { SocketHandle, SocketHandlers, SocketPort } from "@lodeline/participant";
import { LINK_PATH, SUBPROTOCOL } from "@lodeline/protocol";

/** RFC 6455 section 7.4.1: the connection was lost without a close frame. Never sent, only reported. */
const ABNORMAL = 1006;

/** Opens WebSockets to a server. */
export function browserSocketPort(url: string, logger: Logger): SocketPort {
  return { open: (handlers) => openSocket(url, handlers, logger) };
}

/**
 * Where the link of a server is.
 *
 * @param url - `http(s)://host[/path]` or `ws(s)://host/path`; without one the page's own origin.
 * @throws TypeError when it is neither.
 */
export function linkUrl(url: string | URL | undefined, pageUrl: string | undefined): string {
  if (url === undefined && pageUrl === undefined) throw new TypeError("options.url is needed outside a page");
  const target = new URL(url ?? "/", pageUrl);
  if (target.protocol === "http:") target.protocol = "ws:";
  if (target.protocol === "https:") target.protocol = "wss:";
  if (target.protocol !== "ws:" && target.protocol !== "wss:") throw new TypeError(`options.url: ${target.href}`);
  if (url === undefined || target.pathname === "/" || target.pathname === "") target.pathname = LINK_PATH;
  target.hash = "";
  if (url === undefined) target.search = "";
  return target.href;
}

function openSocket(url: string, handlers: SocketHandlers, logger: Logger): SocketHandle {
  const socket = new WebSocket(url, SUBPROTOCOL);
  let over = false;
  const end = (code: number, reason: string) => {
    if (over) return;
    over = true;
    logger.debug("socket closed", { code });
    handlers.closed(code, reason);
  };
  socket.onopen = () => handlers.opened();
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (!over && typeof event.data === "string") handlers.text(event.data);
  };
  socket.onclose = (event) => end(event.code || ABNORMAL, event.reason);
  return {
    send: (text) => {
      if (!over && socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code, reason) => closeSocket(socket, code, reason),
  };
}

function closeSocket(socket: WebSocket, code: number, reason: string): void {
  // Browsers let a page send 1000 and 3000-4999 only (WebSockets standard, `close`), and 123 bytes of reason.
  const allowed = code === 1000 || (code >= 3000 && code <= 4999) ? code : 1000;
  socket.close(allowed, reason.slice(0, 40));
}
