import type { Room } from "@lodeline/client";

const KEPT = (room: string) => `lodeline.passphrase:${room}`;

/**
 * A room's passphrase, as this tab knows it: from the link's fragment, which no browser sends to any server, else what was
 * typed before. Empty: there is none.
 */
export function passphraseOf(room: string): string {
  const inLink = new URLSearchParams(location.hash.slice(1)).get("key");
  if (inLink) return inLink;
  try {
    return sessionStorage.getItem(KEPT(room)) ?? "";
  } catch {
    // Then it is typed again.
    return "";
  }
}

/** Keeps it over a reload, for this tab alone. One in the address bar that is another is taken out of it. */
export function keepPassphrase(room: string, passphrase: string): void {
  try {
    sessionStorage.setItem(KEPT(room), passphrase);
  } catch {
    // It is in use all the same.
  }
  const parts = new URLSearchParams(location.hash.slice(1));
  if (!parts.has("key") || parts.get("key") === passphrase) return;
  parts.delete("key");
  history.replaceState(null, "", `${location.pathname}${location.search}${parts.size > 0 ? `#${parts}` : ""}`);
}

/** Letters and digits that nobody takes for another, read aloud or copied by hand. */
const SIGNS = "abcdefghjkmnpqrstuvwxyz23456789";
const GROUPS = 4;
const GROUP_LENGTH = 5;

/** A passphrase that nobody guesses: about 99 bits. */
export function inventPassphrase(): string {
  const group = () => Array.from({ length: GROUP_LENGTH }, () => SIGNS[drawBelow(SIGNS.length)]).join("");
  return Array.from({ length: GROUPS }, group).join("-");
}

/** A whole number below `bound`, each as likely: what would favour the first ones is drawn again. */
function drawBelow(bound: number): number {
  const fair = 256 - (256 % bound);
  const byte = new Uint8Array(1);
  do crypto.getRandomValues(byte);
  while ((byte[0] ?? 0) >= fair);
  return (byte[0] ?? 0) % bound;
}

/** What a link to the room has behind its address, so that who follows it can read what is said. */
export function linkFragment(room: Room): string {
  const passphrase = room.encryption && passphraseOf(room.id);
  return passphrase ? `#${new URLSearchParams({ key: passphrase })}` : "";
}

/** How a room stands as a whole: who lacks the key of whom, and whether all of it is encrypted. */
export function encryptionOf(room: Room): "none" | "whole" | "partly" | "locked-out" | "wrong-key" {
  const truths = [...room.participants.values()].flatMap(({ sources }) => Object.values(sources));
  const sent = truths.filter(({ intent }) => intent === "live");
  if (!room.encryption) return sent.some(({ encryption }) => encryption) ? "locked-out" : "none";
  if (sent.some(({ decryption }) => decryption === "failed")) return "wrong-key";
  return sent.every(({ encryption }) => encryption) ? "whole" : "partly";
}
