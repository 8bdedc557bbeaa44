import { notify } from "./notices.ts";

/** Copies a link, and says so; where the browser refuses, the link itself is shown. */
export function copy(link: string, done: string): void {
  const byHand = () => notify(`Copy the link by hand: ${link}`);
  // Pages that did not come over HTTPS or from this machine have no clipboard.
  if (!navigator.clipboard) return byHand();
  navigator.clipboard.writeText(link).then(() => notify(done), byHand);
}
