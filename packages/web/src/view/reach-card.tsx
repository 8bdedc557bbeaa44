import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { acquaintances } from "../state/acquaintances.ts";
import { busy, setBusy, setSilent, silent } from "../state/busy.ts";
import { placeCall } from "../state/calls.ts";
import { copy } from "../state/clipboard.ts";
import { ownName, type Reach, reach } from "../state/own-client.ts";
import { loadPreferences, savePreferences } from "../state/preferences.ts";
import { calledIn, go, pathOf } from "../state/route.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icon.tsx";
import { NameField } from "./name-field.tsx";

/** Calls between two: by what link one can be called, whether one wants to be, and whom to call. */
export function ReachCard(): JSX.Element {
  const [text, setText] = useState("");
  const [name, setName] = useState(loadPreferences().name);
  const called = calledIn(text);
  const { identity } = reach.value;
  const call = (event: Event) => {
    event.preventDefault();
    if (called) go(called);
  };
  const rename = (next: string) => {
    setName(next);
    savePreferences({ ...loadPreferences(), name: next });
  };
  return (
    <section class="card" aria-label="Calls">
      <div class="reach">
        <h2>Calls between two</h2>
        <span class={`connection ${LOOKS[stateOf(reach.value)]}`} role="status" data-reach={stateOf(reach.value)}>
          {WORDS[stateOf(reach.value)]}
        </span>
      </div>
      <NameField value={name} change={rename} name="own-name" />
      {identity && (
        <div class="own-link">
          <code>{identity}</code>
          <button type="button" class="button small" onClick={() => copyOwnLink(identity)}>
            <Icon name="link" /> Copy my call link
          </button>
        </div>
      )}
      <div class="row switches">
        <Toggle label="Busy" hint="Whoever calls reads that you are busy" on={busy.value} flip={setBusy} />
        <Toggle label="Ring silently" hint="Shown, not sounded" on={silent.value} flip={setSilent} />
      </div>
      <form class="card-form inline" onSubmit={call}>
        <label class="field">
          Call somebody
          <input
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            placeholder="Their name here, or their call link"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            name="callee"
          />
        </label>
        <button type="submit" class="button" disabled={!called}>
          <Icon name="answer" /> Call
        </button>
      </form>
      {acquaintances.value.length > 0 && (
        <ul class="acquaintances" aria-label="Lately">
          {acquaintances.value.slice(0, 3).map((one) => (
            <li key={one.identity}>
              <Avatar name={one.name} />
              <span class="who">{one.name}</span>
              <button
                type="button"
                class="button small"
                aria-label={`Call ${one.name}`}
                onClick={() => void placeCall(one.identity, one.name, loadPreferences().camera)}
              >
                <Icon name="answer" /> Call
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** A switch with its word. */
export function Toggle(props: { label: string; hint?: string; on: boolean; flip: (on: boolean) => void }): JSX.Element {
  return (
    <button
      type="button"
      class="toggle"
      role="switch"
      aria-checked={props.on}
      title={props.hint}
      onClick={() => props.flip(!props.on)}
    >
      <i aria-hidden="true" />
      {props.label}
    </button>
  );
}

type ReachState = "reachable" | "busy" | "connecting" | "lost" | "invited-only" | "off";

const WORDS: Readonly<Record<ReachState, string>> = {
  reachable: "You can be called",
  busy: "Busy",
  connecting: "Connecting",
  lost: "Reconnecting",
  "invited-only": "Calls need an invitation",
  off: "Not connected",
};
const LOOKS: Readonly<Record<ReachState, string>> = {
  reachable: "good",
  busy: "bad",
  connecting: "wait",
  lost: "wait",
  "invited-only": "bad",
  off: "bad",
};

function stateOf({ link, error }: Reach): ReachState {
  if (link === "open") return busy.value ? "busy" : "reachable";
  if (link === "interrupted") return "lost";
  if (error) return error.code.startsWith("auth/") ? "invited-only" : "off";
  return link === "closed" ? "off" : "connecting";
}

function copyOwnLink(identity: string): void {
  const name = ownName() === "Guest" ? undefined : ownName();
  copy(`${location.origin}${pathOf({ kind: "call", identity, name })}`, "Your call link is copied.");
}
