import type { SessionKey } from "@lodeline/participant";
import { parsePublicationId, type Slots, type Source } from "@lodeline/protocol";
import type { SessionConnection } from "../peer/session-connection.ts";

/** Which receiver plays which source of which participant. */
export interface TrackRoute {
  readonly participant: string;
  readonly source: Source;
  readonly receiver: RTCRtpReceiver;
}

/**
 * The routes of an sfu session: the slot table says which publication is in which section. Never inferred from the
 * tracks themselves: `unmute` says only that packets once came, and `mute` never comes (both browsers).
 */
export function slotRoutes(connection: SessionConnection, table: Slots): TrackRoute[] {
  return table.slots.flatMap(({ mid, publication }) => {
    const parsed = publication === null ? undefined : parsePublicationId(publication);
    const receiver = connection.sections.receiver(mid);
    return parsed && receiver ? [{ ...parsed, receiver }] : [];
  });
}

/** The routes of a mesh pair: both ends send the same source on the same section. */
export function pairRoutes(key: SessionKey, connection: SessionConnection): TrackRoute[] {
  const participant = key.slice("pair:".length);
  return connection.sections.receivers().flatMap(({ mid, source }) => {
    const receiver = connection.sections.receiver(mid);
    return source && receiver ? [{ participant, source, receiver }] : [];
  });
}
