import { type Role, SOURCES, type Source, type SourceState, type Sources } from "@lodeline/protocol";

const OFF: SourceState = { intent: "unpublished", mutedBy: null };

/** The media state of somebody who publishes nothing. */
export const NO_SOURCES: Sources = { microphone: OFF, camera: OFF, screen: OFF, "screen-audio": OFF };

/**
 * What a participant's wish comes to. `mutedBy` is the room's to say: the present one stays, and under it `live` becomes
 * `muted`. A viewer publishes nothing.
 *
 * @param current - The state so far, or {@link NO_SOURCES}.
 */
export function admitSources(wish: Sources, current: Sources, role: Role): Sources {
  return mapSources((source) => {
    const { mutedBy } = current[source];
    const intent = role === "viewer" ? "unpublished" : wish[source].intent;
    return { intent: mutedBy !== null && intent === "live" ? "muted" : intent, mutedBy };
  });
}

/**
 * A moderator's mute of one source: it stays until a moderator allows the source again, also over an unpublish and a
 * reload. Somebody who mutes their own source has only muted it.
 */
export function muteSource(sources: Sources, source: Source, by: string, owner: string): Sources {
  const { intent } = sources[source];
  return {
    ...sources,
    [source]: { intent: intent === "live" ? "muted" : intent, mutedBy: by === owner ? sources[source].mutedBy : by },
  };
}

/** Lifts a moderator's mute. The source stays muted: nobody's microphone is opened by another. */
export function allowSource(sources: Sources, source: Source): Sources {
  return { ...sources, [source]: { intent: sources[source].intent, mutedBy: null } };
}

/** Whether two media states say the same. */
export function sameSources(one: Sources, other: Sources): boolean {
  return SOURCES.every(
    (source) => one[source].intent === other[source].intent && one[source].mutedBy === other[source].mutedBy,
  );
}

/** Whether anything at all is published. */
export function publishesAny(sources: Sources): boolean {
  return SOURCES.some((source) => sources[source].intent !== "unpublished");
}

function mapSources(fn: (source: Source) => SourceState): Sources {
  return {
    microphone: fn("microphone"),
    camera: fn("camera"),
    screen: fn("screen"),
    "screen-audio": fn("screen-audio"),
  };
}
