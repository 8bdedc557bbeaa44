import type { AddressInfo } from "node:net";
import { type Clock, LodelineError, systemClock } from "@lodeline/base";
import { Hub } from "@lodeline/hub";
import { LINK_PATH } from "@lodeline/protocol";
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
import { createMediaHost } from "./media/create-media-host.ts";
import type { MediaHost } from "./media/media-host.ts";
import { createRedact } from "./redact.ts";
import type { ServerOptions } from "./server-options.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { createShutdown } from "./shutdown.ts";

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
    ? new ServerFaults({ clock, kill: settings.kill, silence: (fault) => media.silence(fault) })
    : undefined;
  // The media engine reports into the hub and the hub drives the engine: the arrow back is closed here, once.
  const media = createMediaHost(settings, clock, (room, facts) => hub.mediaFacts(room, facts));
  const hub = createHub(settings, clock, tokens, media, faults);
  logHub(hub, settings.logger, createRedact());
  try {
    await media.ready();
    return await serve(settings, { clock, tokens, media, hub, faults });
  } catch (error) {
    hub[Symbol.dispose]();
    await media.close();
    throw error;
  }
}

interface Parts {
  readonly clock: Clock;
  readonly tokens: Tokens;
  readonly media: MediaHost;
  readonly hub: Hub;
  readonly faults: ServerFaults | undefined;
}

async function serve(settings: Settings, parts: Parts): Promise<LodelineServer> {
  const { clock, tokens, media, hub, faults } = parts;
  const { logger } = settings;
  const redact = createRedact();
  const origins = createOriginPolicy(settings);
  const app = createHttpApp({ logger, redact, origins });
  const connect = (socket: Parameters<Hub["connect"]>[0]) => hub.connect(socket);
  const gateway = createGateway({ server: app.server, origins, logger, redact, connect });
  const startedAt = clock.now();
  const shutdown = createShutdown({ clock, logger, app, gateway, hub, media });
  const status = (): ServerStatus => {
    const { links, rooms, participants } = hub.status();
    const uptimeMs = clock.now() - startedAt;
    const { socketCount: sockets } = gateway;
    return { state: shutdown.state, uptimeMs, sockets, links, rooms, participants, transports: media.transportCount };
  };

  const close = (options?: CloseOptions) => {
    // What is held must go before its link does, and nothing may break the goodbye.
    faults?.desk.stopAll();
    return shutdown.close(options);
  };
  addHealthRoutes(app, status);
  addRoomRoutes(app, hubReader(hub), tokens, settings.open);
  addTokenRoute(app, tokens, settings.random, settings.open);
  if (faults) addFaultsRoute(app, faults.desk, faults.trace);
  await addPageRoutes(app, settings.pageDirectory);
  const url = await listen(app, settings);
  logger.info("server ready", { url, open: settings.open });
  return {
    url,
    linkUrl: `${url.replace(/^http/, "ws")}${LINK_PATH}`,
    hub,
    faults: faults?.api,
    status,
    createToken: (grant) => tokens.sign(grant),
    close,
    [Symbol.asyncDispose]: async () => {
      await close();
    },
  };
}

async function listen(app: FastifyInstance, settings: Settings): Promise<string> {
  const { host, port } = settings;
  try {
    await app.listen({ host, port });
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
  const address = app.server.address() as AddressInfo;
  // A wildcard address is no place to go to: this machine's own name for itself is.
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${address.port}`;
}

function createHub(
  settings: Settings,
  clock: Clock,
  tokens: Tokens,
  media: MediaHost,
  faults: ServerFaults | undefined,
): Hub {
  const { random, timers, rate, open } = settings;
  return new Hub({
    clock,
    random,
    timers,
    rate,
    ports: {
      authorization: createAuthorization(tokens, random, open),
      media: media.port,
      serverPeer: media.serverPeer,
      iceServers: () => settings.media.iceServers ?? [],
      ...(faults ? { intercept: faults.intercept } : {}),
    },
  });
}

function nodeClock(): Clock {
  return systemClock({
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
    clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
  });
}
