import { LodelineError } from "@lodeline/base";
import type { ClientMessage } from "@lodeline/protocol";
import { errorMessage } from "@lodeline/signaling";
import type { CallDirectory } from "./call-directory.ts";
import type { HubEvents } from "./hub-types.ts";
import type { LinkHost } from "./link-host.ts";
import { publishRefusal } from "./publish-grant.ts";
import type { RoomTable } from "./room-table.ts";

/** What {@link ClientMessages} needs of the hub. */
export interface ClientMessagesOptions {
  readonly rooms: RoomTable;
  readonly calls: CallDirectory;
  refused(event: HubEvents["refused"]): void;
}

/** Gives what a client says to whom it is for: the rooms, the calls, or the room in which its link has a place. */
export class ClientMessages {
  readonly #options: ClientMessagesOptions;

  constructor(options: ClientMessagesOptions) {
    this.#options = options;
  }

  /** What comes of it is said on the link, a refusal too. */
  handle(host: LinkHost, message: ClientMessage): void {
    const { rooms, calls } = this.#options;
    if (message.type === "join") {
      const refusal = rooms.join(host, message);
      return refusal && this.#refuse(host, refusal, message.id);
    }
    if (message.type === "signal" && message.scope === "call") return calls.signal(host, message.to, message.signal);
    const { membership } = host;
    const room = membership && rooms.get(membership.room);
    const id = "id" in message ? message.id : undefined;
    // Whoever leaves a room it is not in has got what it wants.
    if (!room && message.type === "leave") return host.deliver({ type: "ok", id: message.id });
    if (!room) return this.#refuse(host, new LodelineError("room/not-member"), id);
    const refusal =
      message.type === "media-state" ? publishRefusal(host.authorization.grants, message.sources) : undefined;
    if (refusal) return this.#refuse(host, refusal, id);
    room.message(host, membership.participant, message);
  }

  #refuse(host: LinkHost, error: LodelineError, id: string | undefined): void {
    this.#options.refused({ link: host.id, identity: host.identity, error });
    host.deliver(errorMessage(error, id));
  }
}
