import { inventRoomName } from "./room-name.ts";

const KEY = "lodeline.identity";
let fallback: string | undefined;

/**
 * Who this person is towards an open server: the same in every tab of this browser and over reloads, so that a call
 * rings in all of them. Made of words that can be read out.
 */
export function ownIdentity(): string {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept) return kept;
    const made = inventRoomName();
    localStorage.setItem(KEY, made);
    return made;
  } catch {
    // Storage is blocked: the person is somebody new with each load.
    fallback ??= inventRoomName();
    return fallback;
  }
}
