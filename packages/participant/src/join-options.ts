import { type Encryption, SOURCES, type Source, type Sources, type Topology } from "@lodeline/protocol";
import type { Intent, Intents, MemberInput } from "@lodeline/room";
import type { ParticipantEvents, RoomPlace } from "./participant-events.ts";

/** Which room, and how. */
export interface JoinOptions {
  readonly room: string;
  /** Wanted if the room is new. Default: the server's. With `mesh` no offer to the sfu is made beforehand. */
  readonly topology?: Topology | undefined;
  /** What this participant starts with. A source that is not named is unpublished. */
  readonly sources?: Partial<Record<Source, Intent>> | undefined;
  /** How all that this participant sends is encrypted end to end, and that it has keys. Default: not at all. */
  readonly encryption?: Encryption | undefined;
  /** The place to take again, after a reload. When the server knows it no more, the join is made as new. */
  readonly rejoin?: RoomPlace | undefined;
  /**
   * The command of an earlier join, as `joining` told it, whose answer the page never heard. The same join gives the
   * same place, and nobody is left behind. A secret, kept by the page until `joined`. Default: a new one.
   */
  readonly command?: string | undefined;
}

/** The member's own words for a join. */
export function joinRequest(options: JoinOptions, name: string): Extract<MemberInput, { readonly kind: "join" }> {
  const { room, topology, sources, encryption, rejoin, command } = options;
  return {
    kind: "join",
    command,
    room,
    name,
    topology,
    encryption,
    intents: { ...NOTHING, ...sources },
    rejoin: rejoin && { participant: rejoin.participant, token: rejoin.token },
  };
}

/** What is new about the own sources. @param before - What was told last; undefined tells all. */
export function sourceNews(before: Sources | undefined, now: Sources): ParticipantEvents["source"][] {
  return SOURCES.flatMap((source) => {
    const { intent, mutedBy, mayUnmute = false } = now[source];
    const was = before?.[source];
    const isOld = was?.intent === intent && was.mutedBy === mutedBy && (was.mayUnmute ?? false) === mayUnmute;
    return isOld ? [] : [{ source, intent, mutedBy, mayUnmute }];
  });
}

const NOTHING: Intents = {
  microphone: "unpublished",
  camera: "unpublished",
  screen: "unpublished",
  "screen-audio": "unpublished",
};
