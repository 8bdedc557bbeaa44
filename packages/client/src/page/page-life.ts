/** What a page's life means for a client. */
export interface PageLifeListener {
  /** The page is being left, or put away: there is no later. Must do its work before it returns. */
  leaving(): void;
  /** The network came back or the page is shown again. */
  awake(): void;
}

/**
 * Listens to the page until disposed of. `pagehide` is the one event that every browser fires when a page goes,
 * `beforeunload` and `unload` are not; a crash fires none, and the server's lease ends what it left.
 */
export function watchPage(listener: PageLifeListener): Disposable {
  const target = globalThis.window as (Window & typeof globalThis) | undefined;
  const page = globalThis.document as Document | undefined;
  const leaving = () => listener.leaving();
  const awake = () => listener.awake();
  const shown = () => {
    if (page?.visibilityState === "visible") listener.awake();
  };
  target?.addEventListener("pagehide", leaving);
  target?.addEventListener("online", awake);
  target?.addEventListener("pageshow", awake);
  page?.addEventListener("visibilitychange", shown);
  return {
    [Symbol.dispose]: () => {
      target?.removeEventListener("pagehide", leaving);
      target?.removeEventListener("online", awake);
      target?.removeEventListener("pageshow", awake);
      page?.removeEventListener("visibilitychange", shown);
    },
  };
}
