import { toLodelineError } from "@lodeline/base";
import type { Moderation, RemoteParticipant, Room } from "@lodeline/client";
import { signal } from "@preact/signals";
import { confirm } from "./confirm.ts";
import { notify } from "./notices.ts";

/** Whom this person has removed from the room they are in, and may let back in. */
export const removedHere = signal<readonly { readonly identity: string; readonly name: string }[]>([]);

/** Does what a moderator may, and says so when it was refused. @returns Whether it took effect. */
export async function moderate(room: Room, action: Moderation): Promise<boolean> {
  try {
    await room.moderate(action);
    return true;
  } catch (thrown) {
    notify(toLodelineError(thrown).detail);
    return false;
  }
}

/** Removes somebody, after asking. */
export async function removeFrom(room: Room, { id, identity, name }: RemoteParticipant): Promise<void> {
  const yes = await confirm({
    title: `Remove ${name || "this person"}?`,
    text: "They leave at once and cannot come back into this room until you let them.",
    yes: "Remove",
  });
  if (yes && (await moderate(room, { kind: "remove", participant: id }))) {
    removedHere.value = [...removedHere.value.filter((one) => one.identity !== identity), { identity, name }];
  }
}

/** Lets somebody back in who was removed. */
export async function readmit(room: Room, identity: string): Promise<void> {
  if (await moderate(room, { kind: "readmit", identity })) {
    removedHere.value = removedHere.value.filter((one) => one.identity !== identity);
  }
}

/** Ends the room for everybody, after asking. */
export async function endForAll(room: Room): Promise<void> {
  const others = room.participants.size;
  const yes = await confirm({
    title: "End the room for everyone?",
    text: others === 0 ? "The room ends." : `You and ${others === 1 ? "one other" : `${others} others`} leave at once.`,
    yes: "End for all",
  });
  if (yes) await moderate(room, { kind: "end" });
}

/** The name of the moderator with this participant id. */
export function moderatorName(room: Room, id: string): string {
  return room.participants.get(id)?.name || "a moderator";
}
