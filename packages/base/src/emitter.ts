/** Options of every `on` in Lodeline. */
export interface ListenOptions {
  /** Aborting it removes the listener. An already aborted one means the listener is never added. */
  readonly signal?: AbortSignalLike | undefined;
}

/** The part of `AbortSignal` that Lodeline relies on; the platforms' own fits. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What can be listened to: `on` and nothing else, so that only the owner emits. */
export interface Listenable<Events extends object> {
  /**
   * Calls `listener` at every later event `name`, in the order of subscription.
   *
   * @returns A disposable that removes the listener; the caller owns it.
   */
  on<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
    options?: ListenOptions,
  ): Disposable;
}

/**
 * A typed event source. One `Events` map per class; a late subscriber asks a getter, nothing is replayed.
 * A listener that throws does not keep the others from being called; the error goes to `onError`.
 */
export class Emitter<Events extends object> implements Listenable<Events> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();
  readonly #onError: (error: unknown) => void;

  /**
   * @param onError - Told what a listener threw. By default the error is thrown in a microtask of its own,
   * where the platform reports it as uncaught.
   */
  constructor(onError: (error: unknown) => void = rethrowLater) {
    this.#onError = onError;
  }

  on<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
    options: ListenOptions = {},
  ): Disposable {
    const { signal } = options;
    if (signal?.aborted) return { [Symbol.dispose]: () => {} };
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    // One wrapper per subscription: the same function subscribed twice is two subscriptions.
    const entry = (event: never) => listener(event);
    set.add(entry);
    const remove = () => {
      set.delete(entry);
      signal?.removeEventListener("abort", remove);
    };
    signal?.addEventListener("abort", remove, { once: true });
    return { [Symbol.dispose]: remove };
  }

  /** Tells every present listener of `name`; listeners added meanwhile are not called. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const set = this.#listeners.get(name);
    if (!set) return;
    for (const listener of [...set]) {
      try {
        listener(event as never);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  /** How many listeners there are, of one event or of all: a leak test reads it. */
  listenerCount(name?: keyof Events): number {
    if (name !== undefined) return this.#listeners.get(name)?.size ?? 0;
    let sum = 0;
    for (const set of this.#listeners.values()) sum += set.size;
    return sum;
  }

  /** Removes every listener; for an owner that closes. */
  clear(): void {
    this.#listeners.clear();
  }
}

function rethrowLater(error: unknown): void {
  void Promise.resolve().then(() => {
    throw error;
  });
}
