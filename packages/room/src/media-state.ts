import { type Role, SOURCES, type Source, type SourceState, type Sources } from "@lodeline/protocol";
import type { ModeratorMute } from "./room-state.ts";

const OFF: SourceState = { intent: "unpublished", mutedBy: null };

/** The media state of somebody who publishes nothing. */
export const NO_SOURCES: Sources = { microphone: OFF, camera: OFF, screen: OFF, "screen-audio": OFF };

/**
 * What a participant's wish comes to. `mutedBy` is the room's to say: the present one stays, and under it `live` becomes
 * `muted`, unless the owner may open it and does. A viewer publishes nothing.
 *
 * @param current - The state so far, or {@link NO_SOURCES}.
 * @param opens - Whether the wish knows of the present mutes, so that `live` means to open what it may. A join does not.
 */
export function admitSources(wish: Sources, current: Sources, role: Role, opens = false): Sources {
  return mapSources((source) => {
    const intent = role === "viewer" ? "unpublished" : wish[source].intent;
    const { intent: _before, encryption: _was, ...mute } = current[source];
    const { encryption } = wish[source];
    const own = encryption === undefined ? {} : { encryption };
    if (mute.mutedBy === null || intent !== "live") return { intent, ...mute, ...own };
    return opens && mute.mayUnmute ? { intent, mutedBy: null, ...own } : { intent: "muted", ...mute, ...own };
  });
}

/**
 * A moderator's mute of one source: it stays until a moderator allows the source again, also over an unpublish and a
 * reload, or until the owner opens it, where `mute` says that it may.
 *
 * @param mute - `undefined` where somebody mutes their own source, which has then only been muted.
 */
export function muteSource(sources: Sources, source: Source, mute: ModeratorMute | undefined): Sources {
  const { intent, mutedBy, mayUnmute: _may, ...own } = sources[source];
  const by = mute ?? (mutedBy === null ? { mutedBy } : sources[source]);
  return { ...sources, [source]: { ...own, ...by, intent: intent === "live" ? "muted" : intent } };
}

/** Lifts a moderator's mute. The source stays muted: nobody's microphone is opened by another. */
export function allowSource(sources: Sources, source: Source): Sources {
  const { mutedBy: _by, mayUnmute: _may, ...own } = sources[source];
  return { ...sources, [source]: { ...own, mutedBy: null } };
}

/** Whether two media states say the same. */
export function sameSources(one: Sources, other: Sources): boolean {
  return SOURCES.every(
    (source) =>
      one[source].intent === other[source].intent &&
      one[source].mutedBy === other[source].mutedBy &&
      one[source].mayUnmute === other[source].mayUnmute &&
      one[source].encryption === other[source].encryption,
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
