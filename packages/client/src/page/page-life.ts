/** What a page's life means for a client. */
export interface PageLifeListener {
  /** The page is being left, or put away: there is no later. Must do its work before it returns. */
  leaving(): void;
  /** The page is shown again. */
  awake(): void;
  /** The network came back, or is another one. May be told although nothing changed. */
  networkChanged(): void;
}

/** Network Information, section 5. */
type WithConnection = Navigator & { readonly connection?: EventTarget & { readonly type?: string } };

/**
 * Listens to the page until disposed of. `pagehide` is the one event that every browser fires when a page goes,
 * `beforeunload` and `unload` are not; a crash fires none, and the server's lease ends what it left.
 */
export function watchPage(listener: PageLifeListener): Disposable {
  const target = globalThis.window as (Window & typeof globalThis) | undefined;
  const page = globalThis.document as Document | undefined;
  const leaving = () => listener.leaving();
  const awake = () => listener.awake();
  const online = () => listener.networkChanged();
  // Chromium alone has it. It changes with every estimate of the speed as well, hence the type. Neither event says anything
  // of an address that another replaces: there silence tells the link.
  const connection = (globalThis.navigator as WithConnection | undefined)?.connection;
  let type = connection?.type;
  const changed = () => {
    if (connection?.type === type) return;
    type = connection?.type;
    listener.networkChanged();
  };
  const shown = () => {
    if (page?.visibilityState === "visible") listener.awake();
  };
  target?.addEventListener("pagehide", leaving);
  target?.addEventListener("online", online);
  connection?.addEventListener("change", changed);
  target?.addEventListener("pageshow", awake);
  page?.addEventListener("visibilitychange", shown);
  return {
    [Symbol.dispose]: () => {
      target?.removeEventListener("pagehide", leaving);
      target?.removeEventListener("online", online);
      connection?.removeEventListener("change", changed);
      target?.removeEventListener("pageshow", awake);
      page?.removeEventListener("visibilitychange", shown);
    },
  };
}
