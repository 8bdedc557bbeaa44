import type { LocalState, TrackWords } from "@lodeline/client";
import type { Source } from "@lodeline/protocol";
import type { JSX } from "preact";
import { Icon, type IconName } from "./icon.tsx";

const ICONS: Record<Source, IconName> = {
  microphone: "microphone",
  camera: "camera",
  screen: "screen",
  "screen-audio": "screen",
};
const NAMES: Record<Source, string> = {
  microphone: "Microphone",
  camera: "Camera",
  screen: "Screen",
  "screen-audio": "Screen sound",
};
const LOOKS: Record<string, string> = {
  live: "live",
  "missing: asking again": "missing",
  "muted by a moderator": "moderated",
  "speaking, not forwarded": "held",
  "paused: bandwidth": "held",
  "encrypted: no key": "sealed",
  "encrypted: wrong key": "sealed",
};

/** The truth of one track, in words, with a dot of the same meaning. */
export function Truth(props: {
  source: Source;
  words: string;
  /** Whose doing it is, where that is somebody else's. */
  by?: string | undefined;
}): JSX.Element {
  const { source, words, by } = props;
  return (
    <span class={`truth ${LOOKS[words] ?? ""}`} data-source={source} data-words={words} data-by={by}>
      <Icon name={ICONS[source]} />
      <span class="visually-hidden">{NAMES[source]}: </span>
      <span class="word">
        {words}
        {by && ` (${by})`}
      </span>
    </span>
  );
}

/** What one's own source is doing, in the same words as others read it, said to oneself. */
export function ownWords(
  state: LocalState,
  mutedBy: string | null,
): TrackWords | "muted by you" | "starting" | "off" | "not available" {
  if (mutedBy !== null) return "muted by a moderator";
  if (state === "failed") return "not available";
  return state === "muted" ? "muted by you" : state;
}
