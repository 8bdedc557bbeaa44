/**
 * Whether two secrets are equal, in a time that depends on the length of `given` alone: an attacker who measures learns
 * nothing about how many signs were right. (Pure code has no `timingSafeEqual`.)
 *
 * @param given - What the other side presented.
 * @param expected - What it should be; an empty one equals nothing.
 */
export function secretsEqual(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  if (expected.length === 0) return false;
  for (let i = 0; i < given.length; i++) {
    difference |= given.charCodeAt(i) ^ expected.charCodeAt(i % expected.length);
  }
  return difference === 0;
}
