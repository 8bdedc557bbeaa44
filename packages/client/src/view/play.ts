/**
 * Has an element play what it has. A page without a gesture may not play sound, and an element that is given another track
 * or paused meanwhile gives up the play before: the browser rejects both, and neither is a fault. What really keeps a
 * picture away is seen where it is counted, by the reconciler.
 */
export function play(element: HTMLMediaElement): void {
  element.play().catch(() => {});
}
