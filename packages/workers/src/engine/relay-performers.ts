import { type MediaEngine, type MediaEngineOptions, Trunk } from "@lodeline/media";
import type { HeldMedia } from "./held-media.ts";
import type { EngineEvent, RelayRequest } from "./messages.ts";
import type { Performers } from "./performers.ts";

const DONE = {};

/** Performs what a pool asks of an engine so that a room can span several. */
export function relayPerformers(
  media: MediaEngine,
  held: HeldMedia,
  { clock, random }: Pick<MediaEngineOptions, "clock" | "random">,
  tell: (event: EngineEvent) => void,
): Performers<RelayRequest["kind"]> {
  return {
    "open-trunk": async ({ trunk: id }) => {
      await held.trunks.get(id)?.close();
      const trunk = new Trunk({
        id,
        clock,
        random,
        onLayers: (relay, layers) => tell({ kind: "layers-seen", relay, layers }),
        onNeeds: (relay, rids) => tell({ kind: "layers-needed", relay, rids }),
      });
      held.trunks.set(id, trunk);
      return { socket: await trunk.open() };
    },
    "connect-trunk": ({ trunk, remote, sendKey, receiveKey }) => {
      held.trunk(trunk).connect(remote, { local: sendKey, remote: receiveKey });
      return DONE;
    },
    "close-trunk": async ({ trunk: id }) => {
      const trunk = held.trunks.get(id);
      held.trunks.delete(id);
      await trunk?.close();
      held.sweep();
      return DONE;
    },
    carry: ({ trunk, relay, publication }) => held.trunk(trunk).carry(relay, held.publication(publication).publication),
    "need-layers": ({ trunk, relay, rids }) => {
      held.trunk(trunk).need(relay, rids);
      return DONE;
    },
    take: ({ trunk: name, relay, publication: id, room, carried, layers, loudest }) => {
      const trunk = held.trunk(name);
      const { kind } = carried;
      const publish = (mid: string) => media.publish({ id, transport: trunk, mid, kind, loudest });
      const publication = trunk.take(relay, carried, layers, publish);
      held.publications.set(id, { id, room, kind, publication, relayed: true });
      return DONE;
    },
    "describe-layers": ({ trunk, relay, layers }) => {
      held.trunk(trunk).describe(relay, layers);
      return DONE;
    },
    "drop-relay": ({ trunk, relay }) => {
      held.trunks.get(trunk)?.drop(relay);
      held.sweep();
      return DONE;
    },
  };
}
