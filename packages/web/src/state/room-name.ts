const FIRST = [
  "amber",
  "brisk",
  "calm",
  "copper",
  "dawn",
  "fern",
  "golden",
  "harbour",
  "ivory",
  "juniper",
  "lucid",
  "maple",
];
const SECOND = [
  "anchor",
  "beacon",
  "bridge",
  "compass",
  "delta",
  "garden",
  "lantern",
  "meadow",
  "orchard",
  "river",
  "summit",
  "valley",
];

/** A name for a new room that can be read out on the telephone, with enough chance in it not to be guessed soon. */
export function inventRoomName(): string {
  const draw = crypto.getRandomValues(new Uint32Array(3));
  const number = (draw[2] ?? 0) % 10_000;
  return `${FIRST[(draw[0] ?? 0) % FIRST.length]}-${SECOND[(draw[1] ?? 0) % SECOND.length]}-${String(number).padStart(4, "0")}`;
}
