import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { beReachable } from "../state/own-client.ts";
import { keepPassphrase, passphraseOf } from "../state/passphrase.ts";
import { wasInside } from "../state/preferences.ts";
import { enter, stay } from "../state/stay.ts";
import { useWish } from "../state/wish.ts";
import { Brand } from "./brand.tsx";
import { DeviceChoices } from "./device-choices.tsx";
import { DoorPreview } from "./door-preview.tsx";
import { NameField } from "./name-field.tsx";
import { Notices } from "./notices.tsx";
import { PassphraseField } from "./passphrase-field.tsx";

/** A room's door: see and choose what you bring, say who you are, go in. A reload inside the room walks straight through. */
export function Door({ room }: { room: string }): JSX.Element {
  const [wish, change] = useWish();
  const [topology, setTopology] = useState<"sfu" | "mesh">(wantedTopology);
  const returning = useRef(wasInside(room));
  const entering = stay.value.kind === "entering";
  const error = stay.value.kind === "outside" ? stay.value.error : undefined;
  const [passphrase, setPassphrase] = useState(passphraseOf(room));
  const goIn = () => {
    keepPassphrase(room, passphrase.trim());
    void enter(room, { ...wish, name: wish.name.trim() || "Guest" }, topology);
  };
  useEffect(() => {
    document.title = `${room} · Lodeline`;
    if (returning.current) goIn();
    else void beReachable(room);
  }, []);

  return (
    <div class="front">
      <header>
        <Brand />
      </header>
      <main class="two">
        {entering ? (
          <div class="preview">
            <p class="empty" role="status">
              Going in …
            </p>
          </div>
        ) : (
          <DoorPreview wish={wish} change={change} />
        )}
        <form
          class="card"
          onSubmit={(event) => {
            event.preventDefault();
            goIn();
          }}
        >
          <div>
            <p class="soft">You are about to enter</p>
            <h2 class="room-name">{room}</h2>
          </div>
          {error && (
            <div class="trouble" role="alert">
              <strong>
                {error.code === "auth/token-missing" ? "This room needs an invitation" : "That did not work"}
              </strong>
              <span>{error.detail}</span>
            </div>
          )}
          <NameField value={wish.name} change={(name) => change({ name })} name="name" />
          <DeviceChoices wish={wish} change={change} />
          <PassphraseField value={passphrase} change={setPassphrase} />
          <details class="more">
            <summary>If the room is new</summary>
            <label class="field">
              Media travels
              <select
                value={topology}
                onChange={(event) => setTopology(event.currentTarget.value === "mesh" ? "mesh" : "sfu")}
              >
                <option value="sfu">through the server (best for three and more)</option>
                <option value="mesh">straight between people (two or three)</option>
              </select>
            </label>
          </details>
          <button type="submit" class="button primary" disabled={entering} data-test="join">
            {entering ? "Going in …" : "Go in"}
          </button>
        </form>
        <Notices />
      </main>
    </div>
  );
}

function wantedTopology(): "sfu" | "mesh" {
  return new URLSearchParams(location.search).get("topology") === "mesh" ? "mesh" : "sfu";
}
