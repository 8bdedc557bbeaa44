import type { ComponentChildren, JSX } from "preact";
import { Icon } from "./icon.tsx";

/** A panel beside the stage, or over its lower part on a phone. */
export function SidePanel(props: { title: string; close: () => void; children: ComponentChildren }): JSX.Element {
  return (
    <aside class="panel" aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        <button type="button" class="button quiet" aria-label="Close" onClick={props.close}>
          <Icon name="close" />
        </button>
      </header>
      {props.children}
    </aside>
  );
}
