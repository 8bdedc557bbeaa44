import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { question } from "../state/confirm.ts";

/** The open question, if there is one. Escape and a click beside it mean no. */
export function ConfirmDialog(): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useEffect(() => {
    if (asked && dialog.current && !dialog.current.open) dialog.current.showModal();
  }, [asked]);
  if (!asked) return null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the key, and the dialog hears it as `cancel`.
    <dialog
      ref={dialog}
      class="ask"
      aria-labelledby="ask-title"
      aria-describedby="ask-text"
      onCancel={() => asked.answer(false)}
      onClick={(event) => event.target === dialog.current && asked.answer(false)}
    >
      <div class="inner">
        <h2 id="ask-title">{asked.title}</h2>
        <p class="soft" id="ask-text">
          {asked.text}
        </p>
        <div class="row">
          <button type="button" class="button" onClick={() => asked.answer(false)}>
            Cancel
          </button>
          <button type="button" class="button drop" onClick={() => asked.answer(true)} data-confirm>
            {asked.yes}
          </button>
        </div>
      </div>
    </dialog>
  );
}
