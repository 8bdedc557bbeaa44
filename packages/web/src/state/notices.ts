import { signal } from "@preact/signals";

/** Something a person should know, shown for a while and read out by screen readers. */
export interface Notice {
  readonly id: number;
  readonly text: string;
  /** A thing to do about it. */
  readonly action?: { readonly label: string; readonly run?: () => void } | undefined;
}

/** What is shown now, oldest first. */
export const notices = signal<readonly Notice[]>([]);
let next = 1;
const SHOWN_MS = 6000;

/** Shows a notice. One with an action stays until it is used or dismissed. */
export function notify(text: string, action?: Notice["action"]): void {
  const id = next++;
  notices.value = [...notices.value.slice(-2), { id, text, action }];
  if (!action) setTimeout(() => dismiss(id), SHOWN_MS);
}

/** Takes a notice away. */
export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}
