import type { JSX } from "preact";
import { dismiss, notices } from "../state/notices.ts";
import { Icon } from "./icon.tsx";

/** What happened, for a moment, for eyes and for screen readers. */
export function Notices(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div class="notice" key={notice.id}>
          <span>{notice.text}</span>
          <button
            type="button"
            aria-label={notice.action ? undefined : "Dismiss"}
            onClick={() => {
              notice.action?.run?.();
              dismiss(notice.id);
            }}
          >
            {notice.action?.label ?? <Icon name="close" />}
          </button>
        </div>
      ))}
    </div>
  );
}
