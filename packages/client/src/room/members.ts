import type { ListenOptions } from "@lodeline/base";
import type { Participant } from "@lodeline/participant";
import {
  type LeaveReason,
  type LedgerRow,
  publicationId,
  type RoomSnapshot,
  SOURCES,
  type Source,
  subscriptionId,
} from "@lodeline/protocol";
import type { TrackTruth } from "../api/media-api.ts";
import type { Pace } from "../stats/observer.ts";
import { RemoteHandle, type TruthParts } from "./remote-participant.ts";
import type { TrackRoute } from "./track-routes.ts";

/** What a {@link Members} tells, in this order within one update. */
export interface MembersListener {
  joined(participant: RemoteHandle): void;
  /** `reason` where it was told. */
  left(participant: RemoteHandle, reason: LeaveReason | undefined): void;
  track(participant: RemoteHandle, source: Source): void;
  standing(participant: RemoteHandle, truth: TrackTruth): void;
}

/** The other members of a room, kept in line with the room's snapshot, its ledger, and where their tracks play. */
export class Members {
  readonly #participant: Participant;
  readonly #listener: MembersListener;
  readonly #handles = new Map<string, RemoteHandle>();
  /** Why somebody left, until their leaving is told. */
  readonly #departures = new Map<string, LeaveReason>();

  constructor(participant: Participant, listener: MembersListener, listen: ListenOptions) {
    this.#participant = participant;
    this.#listener = listener;
    participant.on("peer-left", (left) => void this.#departures.set(left.participant, left.reason), listen);
  }

  /** By participant id, in the order in which they came. */
  get handles(): ReadonlyMap<string, RemoteHandle> {
    return this.#handles;
  }

  /** How urgently something is waited for. */
  pace(): Pace {
    const standings = [...this.#handles.values()]
      .flatMap(({ sources }) => Object.values(sources))
      .map((one) => one.standing);
    if (standings.includes("pending")) return "eager";
    return standings.includes("missing") ? "busy" : "calm";
  }

  /** Takes over what is known now, and tells what that changed. */
  update(room: RoomSnapshot, self: string, routes: readonly TrackRoute[]): void {
    this.#removeGone(room, self);
    this.#departures.clear();
    this.#addNew(room, self);
    this.#route(room, routes);
    const rows = new Map(this.#participant.ledger.map((row) => [row.subscription, row]));
    for (const info of room.participants) {
      const handle = this.#handles.get(info.id);
      const change = handle?.update(info, (source) => this.#truth(info.id, source, self, rows));
      if (handle) for (const truth of change?.standings ?? []) this.#listener.standing(handle, truth);
    }
  }

  #addNew(room: RoomSnapshot, self: string): void {
    for (const info of room.participants) {
      if (info.id === self || this.#handles.has(info.id)) continue;
      const handle = new RemoteHandle(info);
      this.#handles.set(info.id, handle);
      this.#listener.joined(handle);
    }
  }

  #removeGone(room: RoomSnapshot, self: string): void {
    const present = new Set(room.participants.map((info) => info.id).filter((id) => id !== self));
    for (const handle of [...this.#handles.values()]) {
      if (present.has(handle.id)) continue;
      this.#handles.delete(handle.id);
      for (const source of SOURCES) this.#setTrack(handle, source, undefined);
      this.#listener.left(handle, this.#departures.get(handle.id));
    }
  }

  /** Sections exist for every source; what is not published has no track in its stream. */
  #route(room: RoomSnapshot, routes: readonly TrackRoute[]): void {
    for (const { id, media } of room.participants) {
      const handle = this.#handles.get(id);
      if (!handle) continue;
      for (const source of SOURCES) {
        // What cannot be read is not played: a decoder makes a picture of anything.
        const readable = !this.#participant.unreadable(publicationId(id, source));
        const published = readable && media.sources[source].intent !== "unpublished";
        const route = published && routes.find((one) => one.participant === id && one.source === source);
        // Between two sessions, or two slots: the last picture stays unless the track shows somebody else by now.
        const reused = routes.some(({ receiver }) => receiver.track === handle.trackOf(source));
        if (published && !route && !reused) continue;
        this.#setTrack(handle, source, route ? route.receiver : undefined);
      }
    }
  }

  #setTrack(handle: RemoteHandle, source: Source, receiver: RTCRtpReceiver | undefined): void {
    if (handle.setTrack(source, receiver)) this.#listener.track(handle, source);
  }

  #truth(from: string, source: Source, self: string, rows: ReadonlyMap<string, LedgerRow>): TruthParts {
    const publication = publicationId(from, source);
    return {
      words: this.#participant.words(publication),
      standing: this.#participant.standing(publication),
      row: rows.get(subscriptionId(publication, self)),
      unreadable: this.#participant.unreadable(publication),
    };
  }
}
