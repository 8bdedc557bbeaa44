import { cryptoRandom, LodelineError, type Logger, silentLogger } from "@lodeline/base";
import { formatMediaAddress, listenForServers, MediaService, nodeClock, parseMediaAddress } from "@lodeline/workers";
import type { SigningKey } from "../auth/signing-key.ts";
import type { MediaOptions } from "../server-options.ts";
import { checkMedia } from "../settings.ts";
import { createEngine } from "./create-engine.ts";

/** How a media process is made. */
export interface MediaProcessOptions {
  /** Where servers connect: `host:port` or `unix:/path`. Port 0 takes a free one. */
  readonly listen: string;
  /** A server that holds one of them is served. */
  readonly keys: readonly SigningKey[];
  /** Where media sockets are, and how many threads it runs in. Default 0 workers: in this thread. */
  readonly media?: Pick<MediaOptions, "addresses" | "portRange" | "workers" | "roomPerWorker"> | undefined;
  /** Where it logs. Default: nowhere. */
  readonly logger?: Logger | undefined;
}

/** A media process that listens. */
export interface MediaProcess extends AsyncDisposable {
  /** Where it listens, as a server's `media.process.address` wants it. */
  readonly address: string;
  /** Closes all media at once and lets go of the address. */
  close(): Promise<void>;
}

/**
 * Media apart from control: waits for a server to connect, and carries its media until that connection ends.
 *
 * @returns The caller's to close.
 * @throws LodelineError `config/no-key` without a key; `config/invalid` with `field` for what is unfit, also when the address is taken.
 */
export async function createMediaProcess(options: MediaProcessOptions): Promise<MediaProcess> {
  const { listen, keys, media = {}, logger = silentLogger } = options;
  if (keys.length === 0) throw new LodelineError("config/no-key");
  const address = parseMediaAddress(listen, "listen");
  checkMedia(media);
  const clock = nodeClock();
  const random = cryptoRandom((into) => crypto.getRandomValues(into));
  const service = new MediaService({
    clock,
    random,
    logger,
    keys,
    makeEngine: (announce) => createEngine({ logger, random, media }, clock, announce).engine,
  });
  const listening = await listenForServers(service, address);
  const close = () => listening.close();
  return { address: formatMediaAddress(listening.address), close, [Symbol.asyncDispose]: close };
}
