import type { JSX } from "preact";
import { inventPassphrase } from "../state/passphrase.ts";
import { Icon } from "./icon.tsx";

/** Where the person says the passphrase that encrypts a room between the people in it. */
export function PassphraseField(props: { value: string; change: (value: string) => void }): JSX.Element {
  const { value, change } = props;
  return (
    <details class="more secret" open={value !== ""}>
      <summary>
        <Icon name="lock" /> {value === "" ? "Encrypt end to end" : "Encrypted end to end"}
      </summary>
      <label class="field">
        Passphrase
        <span class="with-button">
          <input
            value={value}
            onInput={(event) => change(event.currentTarget.value)}
            placeholder="The same for everybody in the room"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            maxLength={200}
            name="passphrase"
          />
          <button type="button" class="button quiet" onClick={() => change(inventPassphrase())}>
            Make one up
          </button>
        </span>
      </label>
      <p class="soft">
        Sound and pictures are readable only with it. The server never gets it, sees who is here and when they speak,
        and passes on what it cannot read.
      </p>
    </details>
  );
}
