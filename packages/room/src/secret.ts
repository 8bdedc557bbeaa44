/**
 * Whether two secrets are equal, in a time that depends on their lengths only, so that an answer's delay tells nobody how
 * many signs of a guess were right.
 */
export function constantTimeEqual(given: string, secret: string): boolean {
  let difference = given.length ^ secret.length;
  for (let i = 0; i < given.length; i++) {
    // Past the end of a shorter secret charCodeAt gives NaN, which counts as 0; the lengths already differ then.
    difference |= given.charCodeAt(i) ^ secret.charCodeAt(i);
  }
  return difference === 0;
}
