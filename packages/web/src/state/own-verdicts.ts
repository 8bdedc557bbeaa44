import type { Role, Room } from "@lodeline/client";
import { moderatorName, removedHere } from "./moderation.ts";
import { notify } from "./notices.ts";

const ROLE_WORDS: Readonly<Record<Role, string>> = {
  viewer: "You are a viewer now: you hear and see the others, and send nothing.",
  speaker: "You may speak and show yourself now.",
  moderator: "You are a moderator now: the People panel lets you mute, remove and lock.",
};

/** Tells the person when a moderator has changed what they may do. */
export function tellVerdicts(room: Room): void {
  removedHere.value = [];
  let role = room.self.role;
  const muted: Record<string, string | null> = {
    microphone: room.microphone.mutedBy,
    camera: room.camera.mutedBy,
    screen: room.screen.mutedBy,
  };
  room.on("changed", () => {
    const now = room.self.role;
    if (now !== role && room.joined) notify(ROLE_WORDS[now]);
    role = now;
    for (const source of ["microphone", "camera", "screen"] as const) {
      const { mutedBy, mayUnmute } = room[source];
      if (mutedBy === muted[source]) continue;
      const before = muted[source];
      muted[source] = mutedBy;
      const what = source === "screen" ? "your screen" : `your ${source}`;
      if (mutedBy !== null)
        notify(
          `${moderatorName(room, mutedBy)} muted ${what}. ${mayUnmute ? "You can open it again." : "Only a moderator can let you open it again."}`,
        );
      else if (before !== null && room[source].state !== "live") notify(`You may open ${what} again.`);
    }
  });
}
