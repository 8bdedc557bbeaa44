/** Whether tests that go through every case of something do so: with `LODELINE_FULL=1`; else through every second one. */
export const FULL = process.env.LODELINE_FULL === "1";

/** Which of every two begin; printed by whoever uses it, and set by `LODELINE_SEED`. */
export const SEED = Number(process.env.LODELINE_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** How those who print it say what was gone through. */
export const SHARE = FULL ? "every one" : `every second one, seed ${SEED}`;

/** Numbers to go through, from 0 up to `count`. */
export function shareOf(count: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  return FULL ? all : all.filter((index) => index % 2 === SEED % 2);
}
