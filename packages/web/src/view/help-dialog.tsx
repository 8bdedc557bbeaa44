import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { developing, helping, setDeveloping, showHelp } from "../state/developer.ts";
import { faults } from "../state/faults.ts";
import { useShortcuts } from "./key.tsx";

const KEYS: readonly (readonly [string, string])[] = [
  ["m", "microphone on or off"],
  ["v", "camera on or off"],
  ["s", "share the screen, or stop"],
  ["p", "people"],
  ["?", "this help"],
];

/** The keys of the page, and the way to the developer panel. Opened by `?`. */
export function HelpDialog(): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  useShortcuts({ "?": showHelp });
  useEffect(() => {
    if (helping.value && dialog.current && !dialog.current.open) dialog.current.showModal();
  });
  if (!helping.value) return null;
  const close = () => {
    helping.value = false;
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the key, and the dialog hears it as `cancel`.
    <dialog
      ref={dialog}
      class="ask"
      aria-labelledby="help-title"
      onCancel={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="inner">
        <h2 id="help-title">Keys</h2>
        <dl class="keys">
          {KEYS.map(([key, does]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <div class="row">
          {faults.value && (
            <button type="button" class="button" onClick={() => setDeveloping(!developing.value)} data-test="developer">
              {developing.value ? "Close the developer panel" : "Developer"}
            </button>
          )}
          <button type="button" class="button primary" onClick={close}>
            Done
          </button>
        </div>
      </div>
    </dialog>
  );
}
