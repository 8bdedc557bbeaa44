import type { JSX } from "preact";

/** Where the person says how others read it. */
export function NameField(props: { value: string; change: (value: string) => void; name: string }): JSX.Element {
  return (
    <label class="field">
      Your name
      <input
        value={props.value}
        onInput={(event) => props.change(event.currentTarget.value)}
        placeholder="How others read you"
        autocomplete="name"
        maxLength={80}
        name={props.name}
      />
    </label>
  );
}
