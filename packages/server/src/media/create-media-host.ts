import type { Clock } from "@lodeline/base";
import type { MediaFacts } from "@lodeline/hub";
import type { Engine, EngineEvent } from "@lodeline/workers";
import type { Settings } from "../settings.ts";
import { factsByRoom } from "./facts-by-room.ts";
import type { MediaHost } from "./media-host.ts";
import { LoopbackPeerPort } from "./server-peer-port.ts";
import { SfuPort } from "./sfu-port.ts";

/**
 * Makes the two media ports of the hub on an engine.
 *
 * @param engine - The result's to close.
 * @param onFacts - Told which packets arrive and leave in a room; changes only.
 */
export function createMediaHost(
  settings: Pick<Settings, "logger">,
  clock: Clock,
  engine: Engine,
  onFacts: (room: string, facts: MediaFacts) => void,
): MediaHost {
  const { logger } = settings;
  const sfu = new SfuPort({ engine, clock, logger });
  const peers = new LoopbackPeerPort({ engine, logger });
  engine.on("event", (event: EngineEvent) => {
    if (event.kind === "transport-state" || event.kind === "channel") {
      sfu.heard(event);
      peers.heard(event);
    } else if (event.kind === "flow") {
      for (const [room, facts] of factsByRoom(event, sfu.publications, sfu.subscriptions)) onFacts(room, facts);
    }
  });
  return {
    port: sfu,
    serverPeer: peers,
    get transportCount() {
      return sfu.transportCount + peers.transportCount;
    },
    ready: async () => {
      await engine.ask({ kind: "ready" });
    },
    silence: (fault) => sfu.silence(fault),
    close: async () => {
      await Promise.allSettled([sfu.closeAll(), peers.closeAll()]);
      await engine.close();
    },
  };
}
