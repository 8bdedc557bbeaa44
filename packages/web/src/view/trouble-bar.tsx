import type { JSX } from "preact";
import { useSeconds } from "../state/pulse.ts";
import { type Trouble, trouble } from "../state/trouble.ts";
import { clock } from "./clock.ts";

const WORDS: Readonly<Record<Trouble["what"], { readonly title: string; readonly text: string }>> = {
  link: {
    title: "Reconnecting to the server",
    text: "Sound and picture go on. Who comes and goes, and what you switch, follows when it is back.",
  },
  media: {
    title: "Sound and picture are reconnecting",
    text: "You are still in the room. The last pictures stay until new ones come.",
  },
  both: {
    title: "The connection is lost; reconnecting",
    text: "Your place is kept. The last pictures stay until new ones come.",
  },
  away: {
    title: "You were gone for too long",
    text: "The room had given your place up. You are being let in again, as you were.",
  },
};

/** It says nothing of what heals by itself faster than one can read. */
const PATIENCE_MS = 700;

/** What is broken, what still works, and for how long, while something is. */
export function TroubleBar(): JSX.Element | null {
  const now = useSeconds();
  const present = trouble.value;
  if (!present) return null;
  const lastedMs = Math.max(0, now - present.since);
  const { title, text } = WORDS[present.what];
  return (
    <div
      class={`trouble-bar ${lastedMs < PATIENCE_MS && present.what !== "away" ? "early" : ""}`}
      data-trouble={present.what}
    >
      <span class="turning" aria-hidden="true" />
      <p role="status">
        <strong>{title}.</strong> <span>{text}</span>
      </p>
      <span class="lasted" aria-hidden="true">
        {clock(lastedMs)}
      </span>
    </div>
  );
}
