import { toLodelineError } from "@lodeline/base";
import type { RemoteParticipant, Room } from "@lodeline/client";
import { type LedgerRow, type Moderation, SOURCES, type Source } from "@lodeline/protocol";
import type { JSX } from "preact";
import { notify } from "../state/notices.ts";
import { usePulse } from "../state/pulse.ts";
import { Truth } from "./truth.tsx";

const FACTS = ["intended", "captured", "sent", "forwarded", "received"] as const;

/** Who is here, the truth of each of their tracks, the five facts behind it, and what a moderator may do. */
export function PeoplePanel({ room }: { room: Room }): JSX.Element {
  usePulse();
  const people = [...room.participants.values()];
  const moderator = room.self.role === "moderator";
  const act = (action: Moderation) => {
    room.moderate(action).catch((thrown: unknown) => notify(toLodelineError(thrown).detail));
  };
  return (
    <>
      <ul class="people">
        <li>
          <p>
            <strong>{room.self.name}</strong> <span class="soft">you, {room.self.role}</span>
          </p>
        </li>
        {people.map((person) => (
          <li key={person.id}>
            <p>
              <strong>{person.name}</strong>{" "}
              <span class="soft">
                {person.role}
                {person.presence === "suspect" ? ", reconnecting" : ""}
              </span>
            </p>
            {SOURCES.filter((source) => isShown(person, source)).map((source) => (
              <SourceRow key={source} person={person} source={source} />
            ))}
            {moderator && <Moderate person={person} act={act} />}
          </li>
        ))}
      </ul>
      {people.length > 0 && (
        <p class="legend">
          <span>The five marks of a track, from sender to you:</span>
          <span>intended, captured, sent, forwarded, received.</span>
        </p>
      )}
      {people.length === 0 && <p class="soft">Nobody else is here yet.</p>}
      {moderator && (
        <div class="row">
          <button type="button" class="button" onClick={() => act({ kind: "lock", locked: !room.locked })}>
            {room.locked ? "Unlock the room" : "Lock the room"}
          </button>
          <button type="button" class="button" onClick={() => act({ kind: "end" })}>
            End for all
          </button>
        </div>
      )}
    </>
  );
}

function isShown(person: RemoteParticipant, source: Source): boolean {
  return source === "microphone" || source === "camera" || person.sources[source].intent !== "unpublished";
}

function SourceRow({ person, source }: { person: RemoteParticipant; source: Source }): JSX.Element {
  usePulse();
  const truth = person.sources[source];
  return (
    <div class="source-row">
      <Truth source={source} words={truth.words} />
      {truth.facts && truth.intent === "live" && <Facts facts={truth.facts} />}
      {truth.replay && <small class="soft">repair: {truth.replay.step.replaceAll("-", " ")}</small>}
    </div>
  );
}

function Facts({ facts }: { facts: LedgerRow["facts"] }): JSX.Element {
  const words = FACTS.map((name) => `${name}: ${facts[name].value ? "yes" : "no"}`).join(", ");
  return (
    <span class="facts" title={words}>
      <span class="visually-hidden">{words}</span>
      {FACTS.map((name) => (
        <i key={name} class={facts[name].value ? "yes" : ""} />
      ))}
    </span>
  );
}

function Moderate(props: { person: RemoteParticipant; act: (action: Moderation) => void }): JSX.Element {
  const { person, act } = props;
  usePulse();
  const muted = person.sources.microphone.mutedBy !== null;
  return (
    <div class="row">
      <button
        type="button"
        class="button small"
        onClick={() => act({ kind: muted ? "allow" : "mute", participant: person.id, source: "microphone" })}
      >
        {muted ? "Let speak" : "Mute"}
      </button>
      <button type="button" class="button small" onClick={() => act({ kind: "remove", participant: person.id })}>
        Remove
      </button>
    </div>
  );
}
