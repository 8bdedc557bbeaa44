import type { Room, RoomConnection } from "@lodeline/client";
import { signal } from "@preact/signals";
import { notify } from "./notices.ts";

/** What is broken between this page and the others, and since when. */
export interface Trouble {
  /** `link`: the server; `media`: sound and picture; `both`: all; `away`: the place was lost and is asked for anew. */
  readonly what: "link" | "media" | "both" | "away";
  /** Ms since the page began. */
  readonly since: number;
}

/** The present trouble; `undefined` while everything works. */
export const trouble = signal<Trouble | undefined>(undefined);

/** Follows how well a room is connected. What one's own first connecting takes is no trouble. */
export function watchTrouble(room: Room): void {
  let worked = false;
  let away: string | undefined;
  trouble.value = undefined;
  const look = () => {
    const { link, media } = room.connection;
    const whole = link === "open" && !mediaBroken(room.topology, media);
    if (whole && (away === undefined || away !== room.self.id)) {
      if (away !== undefined) notify("You were gone for too long and have been let in again.", { label: "Good" });
      away = undefined;
      worked = true;
      trouble.value = undefined;
      return;
    }
    if (!worked || !room.joined) return;
    const what = away !== undefined ? "away" : brokenPart(room);
    if (what && what !== trouble.value?.what)
      trouble.value = { what, since: trouble.value?.since ?? performance.now() };
    if (!what) trouble.value = undefined;
  };
  room.on("place-lost", () => {
    away = room.self.id;
    look();
  });
  room.on("changed", look);
  room.on("ended", () => {
    trouble.value = undefined;
  });
  look();
}

function brokenPart({ topology, connection }: Room): Trouble["what"] | undefined {
  const linkBroken = connection.link !== "open";
  const broken = mediaBroken(topology, connection.media);
  if (linkBroken && broken) return "both";
  if (linkBroken) return "link";
  return broken ? "media" : undefined;
}

function mediaBroken(topology: Room["topology"], media: RoomConnection["media"]): boolean {
  // In a mesh a pair is also `connecting` to whoever has just come, and `ended` with whoever has just left.
  if (topology === "mesh") return media === "interrupted";
  return media !== "active";
}
