import type { Clock } from "@lodeline/base";
import type { MediaFacts, MediaKey, MediaPort } from "@lodeline/hub";
import { createLoopbackPeer, createMediaEngine, hostAddresses, type MediaEngineOptions } from "@lodeline/media";
import type { Settings } from "../settings.ts";
import { FactPoll } from "./fact-poll.ts";
import type { MediaHost } from "./media-host.ts";
import { LoopbackPeerPort } from "./server-peer-port.ts";
import { SfuPort } from "./sfu-port.ts";

/**
 * Makes the media engine and its two ports.
 *
 * @param onFacts - Told which packets arrive and leave in a room; changes only.
 * @param announce - What clients are told in place of a media socket's own address.
 */
export function createMediaHost(
  settings: Settings,
  clock: Clock,
  onFacts: (room: string, facts: MediaFacts) => void,
  announce?: MediaEngineOptions["announce"],
): MediaHost {
  const { logger, random, media } = settings;
  const engine = createMediaEngine({
    clock,
    random,
    logger,
    addresses: media.addresses ?? hostAddresses(),
    announce,
    portRange: media.portRange && { min: media.portRange.first, max: media.portRange.last },
  });
  const sfu = new SfuPort({ engine, clock, logger });
  const peers = new LoopbackPeerPort({ engine, loopBack: createLoopbackPeer.bind(undefined, engine) });
  const { publications, subscriptions } = sfu;
  const poll = new FactPoll({ clock, publications, subscriptions, changed: onFacts });
  return {
    port: waking(sfu, poll),
    serverPeer: peers,
    get transportCount() {
      return engine.transports.length;
    },
    ready: async () => {
      await engine.ready();
    },
    silence: (fault) => sfu.silence(fault),
    close: async () => {
      poll[Symbol.dispose]();
      await Promise.all([sfu.closeAll(), peers.closeAll()]);
      await engine.close();
    },
  };
}

/** The same port, but every operation sees to it that facts are polled. */
function waking(port: MediaPort, poll: FactPoll): MediaPort {
  return {
    open: (key: MediaKey, feed) => port.open(key, feed),
    perform: (key, effect) => port.perform(key, effect),
    close: (key) => port.close(key),
    operate: (room, op) => {
      port.operate(room, op);
      poll.wake();
    },
  };
}
