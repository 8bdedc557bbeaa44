import type { LedgerRow, RemoteParticipant, Role, Room, Source } from "@lodeline/client";
import type { JSX } from "preact";
import { isEngaged, placeCall } from "../state/calls.ts";
import { confirm } from "../state/confirm.ts";
import { endForAll, moderate, moderatorName, readmit, removedHere } from "../state/moderation.ts";
import { loadPreferences } from "../state/preferences.ts";
import { usePulse } from "../state/pulse.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icon.tsx";
import { Moderate } from "./moderate.tsx";
import { Truth } from "./truth.tsx";

const FACTS = ["intended", "captured", "sent", "forwarded", "received"] as const;
const SOURCES: readonly Source[] = ["microphone", "camera", "screen", "screen-audio"];

/** Who is here, the truth of each of their tracks, the five facts behind it, and what a moderator may do. */
export function PeoplePanel({ room }: { room: Room }): JSX.Element {
  usePulse();
  const people = [...room.participants.values()];
  const moderator = room.self.role === "moderator";
  return (
    <>
      <ul class="people">
        <li>
          <div class="person">
            <Avatar name={room.self.name} />
            <div class="who">
              <strong>{room.self.name}</strong>
              <span class="soft">you</span>
            </div>
            <RoleBadge role={room.self.role} />
          </div>
        </li>
        {people.map((person) => (
          <Person key={person.id} room={room} person={person} moderator={moderator} />
        ))}
      </ul>
      {people.length === 0 && <p class="soft">Nobody else is here yet.</p>}
      {moderator && removedHere.value.length > 0 && <Removed room={room} />}
      {moderator && (
        <div class="row">
          <button
            type="button"
            class="button small"
            aria-pressed={room.locked}
            onClick={() => void moderate(room, { kind: "lock", locked: !room.locked })}
          >
            <Icon name="lock" /> {room.locked ? "Unlock the room" : "Lock the room"}
          </button>
          <button type="button" class="button small drop outline" onClick={() => void endForAll(room)}>
            End for all
          </button>
        </div>
      )}
      {people.length > 0 && (
        <p class="legend">
          <span>The five marks of a track, from sender to you:</span>
          <span>intended, captured, sent, forwarded, received.</span>
        </p>
      )}
    </>
  );
}

function Person(props: { room: Room; person: RemoteParticipant; moderator: boolean }): JSX.Element {
  const { room, person, moderator } = props;
  usePulse();
  const suspect = person.presence === "suspect";
  return (
    <li data-person={person.name} class={suspect ? "suspect" : ""}>
      <div class="person">
        <Avatar name={person.name} />
        <div class="who">
          <strong>{person.name}</strong>
          {suspect && <span class="soft">connection lost? waiting</span>}
        </div>
        <RoleBadge role={person.role} />
        {person.identity !== room.self.identity && (
          <button
            type="button"
            class="button small round"
            aria-label={`Call ${person.name}`}
            title={`Call ${person.name}, the two of you alone`}
            onClick={() => void callFromRoom(person)}
          >
            <Icon name="answer" />
          </button>
        )}
      </div>
      {SOURCES.filter((source) => isShown(person, source)).map((source) => (
        <SourceRow key={source} room={room} person={person} source={source} />
      ))}
      {moderator && <Moderate room={room} person={person} />}
    </li>
  );
}

/** What somebody may do here. */
function RoleBadge({ role }: { role: Role }): JSX.Element {
  return (
    <span class={`badge ${role}`} data-role={role}>
      {role}
    </span>
  );
}

function Removed({ room }: { room: Room }): JSX.Element {
  return (
    <section class="removed" aria-label="Removed">
      <h3>Removed</h3>
      {removedHere.value.map(({ identity, name }) => (
        <div class="person" key={identity}>
          <span class="who">{name}</span>
          <button type="button" class="button small" onClick={() => void readmit(room, identity)}>
            Let back in
          </button>
        </div>
      ))}
    </section>
  );
}

async function callFromRoom({ identity, name }: RemoteParticipant): Promise<void> {
  const yes =
    !isEngaged() ||
    (await confirm({
      title: `Call ${name}?`,
      text: "You stay here while it rings, and leave this room when they answer.",
      yes: "Call",
    }));
  if (yes) await placeCall(identity, name, loadPreferences().camera);
}

function isShown(person: RemoteParticipant, source: Source): boolean {
  return source === "microphone" || source === "camera" || person.sources[source].intent !== "unpublished";
}

function SourceRow(props: { room: Room; person: RemoteParticipant; source: Source }): JSX.Element {
  usePulse();
  const { room, person, source } = props;
  const truth = person.sources[source];
  return (
    <div class="source-row">
      <Truth source={source} words={truth.words} by={truth.mutedBy === null ? undefined : byWhom(room, truth)} />
      {truth.facts && truth.intent === "live" && <Facts facts={truth.facts} />}
      {truth.replay && <small class="soft">repair: {truth.replay.step.replaceAll("-", " ")}</small>}
    </div>
  );
}

function byWhom(room: Room, { mutedBy, mayUnmute }: { mutedBy: string | null; mayUnmute: boolean }): string {
  const name = mutedBy === room.self.id ? "you" : moderatorName(room, mutedBy ?? "");
  return `by ${name}${mayUnmute ? "; they may open it" : ""}`;
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
