import type { AddressInfo } from "node:net";
import { type Clock, LodelineError } from "@lodeline/base";
import { Hub, type MediaFacts } from "@lodeline/hub";
import { LINK_PATH } from "@lodeline/protocol";
import { type Engine, nodeClock } from "@lodeline/workers";
import type { FastifyInstance } from "fastify";
import { createAuthorization } from "./auth/authorization.ts";
import { createTokens, type Tokens } from "./auth/tokens.ts";
import { ServerFaults } from "./faults.ts";
import { addFaultsRoute } from "./http/faults-route.ts";
import { addHealthRoutes } from "./http/health-routes.ts";
import { createHttpApp } from "./http/http-app.ts";
import { createOriginPolicy } from "./http/origin-policy.ts";
import { addPageRoutes } from "./http/page-routes.ts";
import { addRoomRoutes } from "./http/room-routes.ts";
import { addTokenRoute } from "./http/token-route.ts";
import { hubReader } from "./hub-reader.ts";
import { createGateway } from "./link/gateway.ts";
import type { CloseOptions, LodelineServer, ServerStatus } from "./lodeline-server.ts";
import { logHub } from "./log-hub.ts";
import { createEngine } from "./media/create-engine.ts";
import { createMediaHost } from "./media/create-media-host.ts";
import type { MediaHost } from "./media/media-host.ts";
import { NetworkFaults } from "./network-faults.ts";
import { createRedact } from "./redact.ts";
import type { ServerOptions } from "./server-options.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { createShutdown } from "./shutdown.ts";
import { digestOf, logRestored, openStore } from "./storage/open-store.ts";
import type { SqliteStore } from "./storage/sqlite-store.ts";

/**
 * Starts a server: HTTP, the link, the hub and the media engine, listening when the promise is fulfilled.
 *
 * @throws LodelineError `config/no-key`, `config/invalid` (also when the address is taken or not this machine's), or
 * `media/bind-failed`. Nothing is left running then.
 */
export async function createServer(options: ServerOptions): Promise<LodelineServer> {
  const settings = resolveSettings(options);
  const clock = nodeClock();
  const tokens = createTokens(settings.keys, () => clock.wall());
  const faults = settings.faults
    ? new ServerFaults({
        clock,
        kill: settings.kill,
        silence: (fault) => media.silence(fault),
        killWorker: (worker) => kill(worker),
      })
    : undefined;
  // The media engine reports into the hub and the hub drives the engine: the arrow back is closed here, once.
  const network =
    faults && settings.faults === "network" ? new NetworkFaults(faults, clock, settings.random) : undefined;
  const onFacts = (room: string, facts: MediaFacts) => hub.mediaFacts(room, facts);
  const { engine, kill } = createEngine(settings, clock, network?.announce);
  const media = createMediaHost(settings, clock, engine, onFacts);
  const store = settings.storage && openStore(settings.storage.directory, settings.logger, clock, () => hub.saveAll());
  let hub: Hub;
  try {
    hub = createHub(settings, clock, { tokens, media, faults, store });
  } catch (error) {
    store?.[Symbol.dispose]();
    await media.close();
    await network?.close();
    throw error;
  }
  logHub(hub, settings.logger, createRedact());
  if (store) logRestored(hub, settings.logger);
  try {
    await media.ready();
    return await serve(settings, { clock, tokens, engine, media, hub, faults, network, store });
  } catch (error) {
    // What was restored stays kept for a start that succeeds.
    hub[Symbol.dispose]();
    store?.[Symbol.dispose]();
    await media.close();
    await network?.close();
    throw error;
  }
}

interface Parts {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly tokens: Tokens;
  readonly media: MediaHost;
  readonly hub: Hub;
  readonly faults: ServerFaults | undefined;
  readonly network: NetworkFaults | undefined;
  readonly store: SqliteStore | undefined;
}

async function serve(settings: Settings, parts: Parts): Promise<LodelineServer> {
  const { clock, tokens, media, hub, faults, network, store } = parts;
  const { logger } = settings;
  const redact = createRedact();
  const origins = createOriginPolicy(settings);
  const app = createHttpApp({ logger, redact, origins });
  const connect = (socket: Parameters<Hub["connect"]>[0]) => hub.connect(socket);
  const gateway = createGateway({ server: app.server, origins, logger, redact, connect });
  const startedAt = clock.now();
  const shutdown = createShutdown({ clock, logger, app, gateway, hub, media, store });
  const status = (): ServerStatus => {
    const { links, rooms, participants } = hub.status();
    const uptimeMs = clock.now() - startedAt;
    const { socketCount: sockets } = gateway;
    const { state } = shutdown;
    const transports = media.transportCount;
    return { state, storage: store?.state, uptimeMs, sockets, links, rooms, participants, transports };
  };

  const close = async (options?: CloseOptions) => {
    // What is held must go before its link does, and nothing may break the goodbye.
    faults?.desk.stopAll();
    const report = await shutdown.close(options);
    await network?.close();
    return report;
  };
  addHealthRoutes(app, status);
  addRoomRoutes(app, hubReader(hub), tokens, settings.open);
  addTokenRoute(app, tokens, settings.random, settings.open);
  if (faults) addFaultsRoute(app, faults.desk, faults.trace);
  await addPageRoutes(app, settings.pageDirectory);
  const url = await listen(app, settings, network);
  logger.info("server ready", { url, open: settings.open });
  return {
    url,
    linkUrl: `${url.replace(/^http/, "ws")}${LINK_PATH}`,
    hub,
    media: parts.engine,
    faults: faults?.api,
    status,
    createToken: (grant) => tokens.sign(grant),
    close,
    [Symbol.asyncDispose]: async () => {
      await close();
    },
  };
}

/** @returns Where clients find the server: at its own port, or at that of the proxy before it. */
async function listen(app: FastifyInstance, settings: Settings, network: NetworkFaults | undefined): Promise<string> {
  const { host, port } = settings;
  try {
    await app.listen({ host, port: network ? 0 : port });
  } catch (cause) {
    await app.close();
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === "EADDRINUSE" ? "another program listens there" : `${code ?? cause}`;
    throw new LodelineError("config/invalid", {
      field: "port",
      detail: `${host}:${port} cannot be used: ${why}.`,
      cause,
    });
  }
  const own = (app.server.address() as AddressInfo).port;
  const shown = network ? await network.listen({ host, port }, { host, port: own }).catch(closing(app)) : own;
  // A wildcard address is no place to go to: this machine's own name for itself is.
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${shown}`;
}

/** Rethrows, once the HTTP server that nobody will ever reach is closed. */
function closing(app: FastifyInstance): (error: unknown) => Promise<never> {
  return async (error) => {
    await app.close();
    throw error;
  };
}

function createHub(settings: Settings, clock: Clock, parts: Pick<Parts, "tokens" | "media" | "faults" | "store">): Hub {
  const { random, timers, rate, open, loudestSpeakers } = settings;
  const { tokens, media, faults, store } = parts;
  return new Hub({
    clock,
    random,
    timers,
    rate,
    ...(loudestSpeakers === undefined ? {} : { roomSettings: { loudestSpeakers } }),
    ...(store ? { store, restore: store.image(), digest: digestOf } : {}),
    ports: {
      authorization: createAuthorization(tokens, random, open),
      media: media.port,
      serverPeer: media.serverPeer,
      iceServers: () => settings.media.iceServers ?? [],
      ...(faults ? { intercept: faults.intercept } : {}),
    },
  });
}
