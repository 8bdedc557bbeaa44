import type { RemoteParticipant, Role, Room, Source } from "@lodeline/client";
import type { JSX } from "preact";
import { moderate, removeFrom } from "../state/moderation.ts";
import { usePulse } from "../state/pulse.ts";
import { Icon } from "./icon.tsx";

const ROLES: readonly Role[] = ["viewer", "speaker", "moderator"];
const MUTABLE: readonly (readonly [Source, string])[] = [
  ["microphone", "microphone"],
  ["camera", "camera"],
  ["screen", "screen"],
];

/** What a moderator may do with one person: their role, their sources, their place. */
export function Moderate({ room, person }: { room: Room; person: RemoteParticipant }): JSX.Element {
  usePulse();
  const role = (next: Role) => void moderate(room, { kind: "role", participant: person.id, role: next });
  return (
    <details class="moderate">
      <summary aria-label={`Moderate ${person.name}`}>Moderate</summary>
      <div class="acts">
        <label class="field slim">
          Role
          <select
            value={person.role}
            aria-label={`Role of ${person.name}`}
            onChange={(event) => role(ROLES.find((one) => one === event.currentTarget.value) ?? person.role)}
          >
            <option value="viewer">Viewer: hears and sees</option>
            <option value="speaker">Speaker: is heard and seen</option>
            <option value="moderator">Moderator: also mutes and removes</option>
          </select>
        </label>
        {MUTABLE.filter(([source]) => source !== "screen" || person.sources.screen.intent !== "unpublished").map(
          ([source, name]) => (
            <Mute key={source} room={room} person={person} source={source} name={name} />
          ),
        )}
        <button type="button" class="button small drop outline" onClick={() => void removeFrom(room, person)}>
          Remove {person.name}
        </button>
      </div>
    </details>
  );
}

function Mute(props: { room: Room; person: RemoteParticipant; source: Source; name: string }): JSX.Element | null {
  const { room, person, source, name } = props;
  usePulse();
  const { mutedBy, mayUnmute, intent } = person.sources[source];
  const participant = person.id;
  const mute = (may: boolean) => void moderate(room, { kind: "mute", participant, source, mayUnmute: may });
  const whose = `${person.name}'s ${name}`;
  const icon = source === "microphone" || source === "camera" ? source : "screen";
  if (mutedBy === null && intent === "unpublished" && source !== "microphone") return null;
  return (
    <div class="row mute-row">
      <Icon name={icon} struck={mutedBy !== null} />
      {mutedBy === null && (
        <button type="button" class="button small" onClick={() => mute(true)} aria-label={`Mute ${whose}`}>
          Mute
        </button>
      )}
      {(mutedBy === null || mayUnmute) && (
        <button
          type="button"
          class="button small"
          onClick={() => mute(false)}
          aria-label={`Keep ${whose} muted`}
          title="They cannot open it until a moderator allows it"
        >
          Keep muted
        </button>
      )}
      {mutedBy !== null && (
        <button
          type="button"
          class="button small"
          onClick={() => void moderate(room, { kind: "allow", participant, source })}
          aria-label={`Allow ${whose}`}
        >
          Allow
        </button>
      )}
    </div>
  );
}
