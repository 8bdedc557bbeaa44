import type { Participant, SessionView } from "@lodeline/participant";
import type { Topology } from "@lodeline/protocol";
import type { RoomConnection } from "../api/room-api.ts";

type MediaConnection = RoomConnection["media"];

/** From bad to good: the worst of all pairs is what a mesh room shows. */
const WORST_FIRST: readonly MediaConnection[] = ["interrupted", "connecting", "ended", "active"];

/** How well the room is connected: signaling and media, each for itself. */
export function roomConnection(participant: Participant, topology: Topology, others: number): RoomConnection {
  const { linkState } = participant;
  const link = linkState === "idle" ? "connecting" : linkState;
  const use = topology === "sfu" ? "sfu" : "pair";
  const states = participant.sessions.filter((session) => session.use === use).map(mediaOf);
  if (topology === "mesh" && others === 0) return { link, media: "none" };
  return { link, media: WORST_FIRST.find((state) => states.includes(state)) ?? "connecting" };
}

/** Whether two say the same. */
export function sameConnection(one: RoomConnection, other: RoomConnection): boolean {
  return one.link === other.link && one.media === other.media;
}

function mediaOf({ state }: SessionView): MediaConnection {
  switch (state.kind) {
    case "Active":
      return state.interrupted ? "interrupted" : "active";
    case "Ending":
    case "Ended":
      return "ended";
    default:
      return "connecting";
  }
}
