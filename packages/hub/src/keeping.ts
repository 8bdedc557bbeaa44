import type { RoomState } from "@lodeline/room";
import { HubKeeper, type HubKeeperOptions } from "./hub-keeper.ts";
import type { HubOptions } from "./hub-types.ts";
import type { LinkHost } from "./link-host.ts";
import type { HubConnection, HubSocket } from "./ports.ts";
import { WriteAhead } from "./write-ahead.ts";

/** How a hub keeps itself: told what was touched, entered by turns. Without a store it does nothing and costs nothing. */
export interface Keeping {
  /** The options with a clock and ports that come in turns. */
  readonly options: HubOptions;
  socket(socket: HubSocket): HubSocket;
  connection(connection: HubConnection): HubConnection;
  /** Everything that enters the hub by another way than a socket, a timer or a port. */
  turn<T>(act: () => T): T;
  touchLink(host: LinkHost): void;
  touchRoom(room: string): void;
  touchCall(session: string): void;
  /** The next batch is everything. */
  beginAnew(): void;
  stop(): void;
}

/** Makes the {@link Keeping} that the options ask for. */
export function keepingOf(options: HubOptions, sources: Omit<HubKeeperOptions, "digest">): Keeping {
  const { store, digest } = options;
  if (!store) return { ...NONE, options };
  const keeper = new HubKeeper({ ...sources, digest });
  const ahead = new WriteAhead(store, () => keeper.collect());
  return {
    options: { ...options, clock: ahead.clock(options.clock), ports: ahead.ports(options.ports) },
    socket: (socket) => ahead.socket(socket),
    connection: (connection) => ahead.connection(connection),
    turn: (act) => ahead.turn(act),
    touchLink: (host) => keeper.touchLink(host),
    touchRoom: (room) => keeper.touchRoom(room),
    touchCall: (session) => keeper.touchCall(session),
    beginAnew: () => ahead.turn(() => keeper.beginAnew()),
    stop: () => ahead.stop(),
  };
}

const nothing = () => {};

const NONE: Omit<Keeping, "options"> = {
  socket: (socket) => socket,
  connection: (connection) => connection,
  turn: (act) => act(),
  touchLink: nothing,
  touchRoom: nothing,
  touchCall: nothing,
  beginAnew: nothing,
  stop: nothing,
};

/** The state of a room that somebody is in. */
export function keptState(state: RoomState | undefined): RoomState | undefined {
  return state?.phase === "open" ? state : undefined;
}
