import type { Clock } from "@lodeline/base";
import type { MediaFacts } from "@lodeline/room";
import type { Settings } from "../settings.ts";
import type { MediaHost } from "./media-host.ts";

/** Makes the media engine and its two ports. */
export function createMediaHost(
  _settings: Settings,
  _clock: Clock,
  _facts: (room: string, facts: MediaFacts) => void,
): MediaHost {
  const nothing = () => {};
  return {
    port: { open: nothing, perform: nothing, close: nothing, operate: nothing },
    serverPeer: { open: nothing, perform: nothing, close: nothing },
    transportCount: 0,
    silence: nothing,
    close: async () => {},
  };
}
