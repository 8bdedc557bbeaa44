import type { Logger } from "@lodeline/base";
import type { IceServer, Timers } from "@lodeline/protocol";
import type { SigningKey } from "./auth/signing-key.ts";

/** Who may join. */
export type Access =
  /**
   * Nobody needs a token: whoever connects without one is a guest, and `POST /v1/token` hands tokens out. For
   * development: {@link createServer} refuses it on any address but loopback.
   */
  | { readonly kind: "open"; readonly keys?: readonly SigningKey[] | undefined }
  /** Everybody needs a token signed by one of these keys. */
  | { readonly kind: "keys"; readonly keys: readonly SigningKey[] };

/** Where media sockets are bound, and what is preferred on them. */
export interface MediaOptions {
  /**
   * Local addresses that media sockets are bound to and candidates offered for. Default: loopback and every IPv4 address
   * of this machine, on an open server too, because Firefox never tries a loopback candidate.
   */
  readonly addresses?: readonly string[] | undefined;
  /**
   * UDP ports for media, both ends included. Each worker takes one for each address, so there must be as many as workers.
   * Default: whatever the machine gives.
   */
  readonly portRange?: { readonly first: number; readonly last: number } | undefined;
  /**
   * Worker threads that media runs in; rooms are placed on the least busy. 0: media runs in the thread that made the server,
   * for tests and for measuring it alone. Default 0; `lodeline dev` and `lodeline serve` take one for each core but one.
   */
  readonly workers?: number | undefined;
  /**
   * Participants of one room on one worker. Those that come later go to the next, and what is published is relayed once to
   * each worker that needs it. Default 100.
   */
  readonly roomPerWorker?: number | undefined;
  /**
   * A media process of its own (`lodeline media`) in place of workers: where it listens, `host:port` or `unix:/path`, and the
   * key that it holds too. Addresses, ports and workers are that process's to choose. Default: none.
   */
  readonly process?: { readonly address: string; readonly key: SigningKey } | undefined;
  /** Told to every client in `joined`, for its ICE agent. Default: none. */
  readonly iceServers?: readonly IceServer[] | undefined;
}

/** How a server is made. Every field but `access` has a default. */
export interface ServerOptions {
  /** Who may join. */
  readonly access: Access;
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** The TCP port of HTTP and the link; 0 takes a free one. Default 7880. */
  readonly port?: number | undefined;
  /**
   * Origins (`https://example.org`) whose pages may open a link or call the API. The server's own pages always may; an
   * open server also lets in every page of a loopback address. Clients that send no Origin are no browsers, and may.
   */
  readonly origins?: readonly string[] | undefined;
  /** A folder with the built page to serve at `/` and `/r/:room`. Default: a line of text says that there is none. */
  readonly pageDirectory?: string | undefined;
  /** Timers that differ from `DEFAULT_TIMERS`. */
  readonly timers?: Partial<Timers> | undefined;
  /**
   * Messages a second, and at once, that one link may send. Default: those of LIMITS. `null` for none: benches only.
   */
  readonly rate?: { readonly perSecond: number; readonly burst: number } | null | undefined;
  /** Of how many microphones of a room sound is forwarded, the last that spoke; 0: of all. A room may be made with another. Default 3. */
  readonly loudestSpeakers?: number | undefined;
  /** Where media goes. */
  readonly media?: MediaOptions | undefined;
  /**
   * Where rooms, links and calls are kept, so that they survive the process: the next server on the same directory goes on
   * with them. One server for each directory. Default: nowhere, and a restart begins empty.
   */
  readonly storage?: { readonly directory: string } | undefined;
  /** Where the server logs. Default: nowhere. */
  readonly logger?: Logger | undefined;
  /**
   * Lets `/v1/faults` and {@link LodelineServer.faults} break things on purpose. Open servers only. Default false.
   * `"network"` also puts a TCP proxy before the link and a UDP relay before each media socket, so that the faults `tcp`
   * and `udp` can be had at any moment.
   */
  readonly faults?: boolean | "network" | undefined;
  /**
   * Performs the fault `server:kill`: ends this server without a word and starts another on its port after `downMs`. Only
   * whoever runs the server in a thread or process of its own can. Default: the fault is refused.
   */
  readonly kill?: ((downMs: number) => void) | undefined;
}
