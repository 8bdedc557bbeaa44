import { LodelineError } from "@lodeline/base";
import { LIMITS, type Topology } from "@lodeline/protocol";
import type { RoomLeases, RoomSettings } from "@lodeline/room";

/** How a room is to be, said before anybody enters it. What is not named is as in every other room of the server. */
export interface RoomDefinition extends Partial<RoomLeases> {
  readonly room: string;
  /** The room's topology, whatever the first to join asks for. */
  readonly topology?: Topology | undefined;
  /** Whether it begins locked: only moderators enter. Default false. */
  readonly locked?: boolean | undefined;
}

/** A room that was made waits so long for somebody to enter it. */
export const DEFINED_ROOM_MS = 10 * 60_000;

/** The longest lease a room may have: a link cannot be lost for longer and anybody still call it presence. */
const LONGEST_MS = 60 * 60_000;

/** The least and the most of each. */
const RANGES: Readonly<Record<keyof RoomLeases, readonly [number, number]>> = {
  suspectMs: [1, LONGEST_MS],
  leaseMs: [1, LONGEST_MS],
  byeGraceMs: [1, LONGEST_MS],
  maxParticipants: [1, LIMITS.participantsPerRoom],
  loudestSpeakers: [0, LIMITS.participantsPerRoom],
};

/**
 * The settings of a room of this definition.
 *
 * @param defaults - Those of the server's other rooms.
 * @throws LodelineError `config/invalid` naming the field: not a number in its range, or a suspicion after the lease.
 */
export function settingsOf(definition: RoomDefinition, defaults: RoomSettings): RoomSettings {
  const { room } = definition;
  if (room.length === 0 || room.length > LIMITS.idLength) throw unfit("room", `1 to ${LIMITS.idLength} signs`);
  const settings = { ...defaults };
  for (const [field, [least, most]] of Object.entries(RANGES)) {
    const name = field as keyof typeof RANGES;
    const value = definition[name];
    if (value === undefined) continue;
    const fits = Number.isInteger(value) && value >= least && value <= most;
    if (!fits) throw unfit(field, `a whole number from ${least} to ${most}`);
    settings[name] = value;
  }
  if (settings.suspectMs > settings.leaseMs) throw unfit("suspectMs", "no longer than leaseMs");
  return settings;
}

function unfit(field: string, what: string): LodelineError {
  return new LodelineError("config/invalid", { field, detail: `\`${field}\` has to be ${what}.` });
}
