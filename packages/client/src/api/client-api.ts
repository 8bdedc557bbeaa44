import type { Listenable, LodelineError, Logger } from "@lodeline/base";
import type { IceServer, Timers } from "@lodeline/protocol";
import type { Call, CallOptions } from "./call-api.ts";
import type { JoinOptions, PlanStep, Room } from "./room-api.ts";

/** Where the place in a room is kept over a reload. `sessionStorage` fits: one place for each tab. */
export interface PlaceStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** How a client is set up. Everything has a default; on a page served by a Lodeline server nothing is needed. */
export interface ClientOptions {
  /** The server: `https://host` or `wss://host/v1/link`. Default: the page's own origin. */
  readonly url?: string | URL | undefined;
  /** A join token (JWT). Not needed on an open (development) server. */
  readonly token?: string | undefined;
  /** Asked for a token before every new link; wins over `token`. A rejection counts as `auth/token-missing`. */
  readonly getToken?: (() => string | Promise<string>) | undefined;
  /** How others read you, where no token says it. Default empty; {@link JoinOptions.name} sets it as well. */
  readonly name?: string | undefined;
  /** Waits that differ from the protocol's own table. */
  readonly timers?: Partial<Timers> | undefined;
  /** Default `sessionStorage`. `null`: a reload joins as somebody new. */
  readonly storage?: PlaceStorage | null | undefined;
  /** Receive slots offered at the start of an sfu session; more are added when they are wanted. Default 6 and 6. */
  readonly slots?: { readonly audio: number; readonly video: number } | undefined;
  /** Servers for ICE beside those the server names. */
  readonly iceServers?: readonly IceServer[] | undefined;
  /** `relay` hides addresses and needs a TURN server. Default `all`. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /**
   * Media to and from the server goes by whatever way the machine has at the moment, so that a hand-over to another
   * network, or another address, costs a tenth of a second (Chromium; others choose for themselves, and so do sessions
   * between people). `false`: by the best of all addresses that the browser knows. Default true.
   */
  readonly followRoutes?: boolean | undefined;
  /**
   * How long a join waits for devices before it goes on without them; they are published when they come. Default 800 ms:
   * a person who reads a permission prompt already hears the room.
   */
  readonly deviceWaitMs?: number | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
}

/** State of the link to the server. */
export type LinkState = "idle" | "connecting" | "open" | "interrupted" | "closed";

/** What a client tells. */
export interface ClientEvents {
  readonly link: { readonly state: LinkState };
  /** Somebody calls. `accept()` or `reject()` it; it ends by itself when nobody does. */
  readonly incoming: Call;
  /** A step of a start or stop plan is over, in whatever session, also of a join that failed. */
  readonly step: PlanStep;
  /** The server refused something, or refused the client altogether (`auth/*`). */
  readonly error: LodelineError;
}

/** One person's connection to a Lodeline server: at most one room and any number of calls over one link. */
export interface LodelineClient extends Listenable<ClientEvents>, AsyncDisposable {
  readonly link: LinkState;
  /** Who the server says you are; `undefined` before the first welcome. */
  readonly identity: string | undefined;
  /** The room you are in. */
  readonly room: Room | undefined;
  /** Every call that has not ended, by id. */
  readonly calls: ReadonlyMap<string, Call>;
  /** Opens the link, so that calls can come in. `join` and `call` do it by themselves. */
  connect(): Promise<void>;
  /**
   * Joins a room, or takes its place again after a reload.
   *
   * @returns Settles when the server has answered; media follows by itself. The caller owns the room.
   * @throws LodelineError `auth/*`, `room/*`, `aborted`, or `link/lost` when no server answers within the command wait.
   */
  join(options: JoinOptions): Promise<Room>;
  /**
   * Calls a person by identity, or the server's own peer by {@link SERVER_PEER_IDENTITY}.
   *
   * @returns Settles when the invitation is on its way, not when it is answered: the call can be shown and hung up.
   */
  call(identity: string, options?: CallOptions): Promise<Call>;
  /** Leaves the room, ends every call, closes the link. */
  close(): Promise<void>;
}
