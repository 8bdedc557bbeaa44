import { type AbortSignalLike, LodelineError } from "@lodeline/base";

/** The two halves of an abort signal that the gate needs; the platform's `AbortController` fits. */
export interface AbortSource<Signal extends AbortSignalLike = AbortSignalLike> {
  readonly signal: Signal;
  abort(reason?: unknown): void;
}

declare const live: unique symbol;

/**
 * Proof that a session is `Active`, and everything that exists only while it is. There is no other way to come by one
 * than the callback of {@link ActiveGate.onActive}, so a pipeline that takes it cannot be started earlier.
 *
 * @typeParam Media - What the owner of the gate hands in: a media bridge, a data channel, statistics.
 */
export interface ActiveScope<Media, Signal extends AbortSignalLike = AbortSignalLike> {
  readonly [live]: true;
  readonly session: string;
  /**
   * The live media handles.
   *
   * @throws LodelineError `session/not-active` once the session has left `Active`.
   */
  readonly media: Media;
  /** Aborts when the session leaves `Active`, before the disposers run. */
  readonly signal: Signal;
  /**
   * Registers what takes back what was just started. All run in reverse order when the session leaves `Active`; at once
   * when it has left already. A promise it returns is part of what the session's end waits for.
   */
  defer(dispose: () => unknown): void;
}

/**
 * Starts what needs live media. A function it returns, at once or by a promise, is deferred on the scope; a promise
 * that rejects goes to the gate's `onError`.
 */
export type ActiveStart<Media, Signal extends AbortSignalLike = AbortSignalLike> = (
  scope: ActiveScope<Media, Signal>,
) => unknown;

/** What an {@link ActiveGate} is made with. */
export interface ActiveGateOptions<Signal extends AbortSignalLike> {
  /** Makes one abort source for each stay in `Active`, e.g. `() => new AbortController()`. */
  createAbort(): AbortSource<Signal>;
  /** Told what a callback or a disposer threw: the others still run. */
  onError(error: unknown): void;
}

interface Stay<Media, Signal extends AbortSignalLike> {
  readonly session: string;
  readonly media: Media;
  readonly abort: AbortSource<Signal>;
  readonly disposers: (() => unknown)[];
  over: boolean;
}

/**
 * The one way to live media. Its owner calls `enter` when the session becomes `Active` and `leave` when it leaves that
 * state; whoever wants media registers with `onActive` at any time and is started at the next chance.
 */
export class ActiveGate<Media, Signal extends AbortSignalLike = AbortSignalLike> {
  readonly #options: ActiveGateOptions<Signal>;
  readonly #starts = new Set<ActiveStart<Media, Signal>>();
  #stay: Stay<Media, Signal> | undefined;

  constructor(options: ActiveGateOptions<Signal>) {
    this.#options = options;
  }

  /**
   * Calls `start` whenever the session becomes `Active`, and at once when it is.
   *
   * @returns A disposable that removes the callback; what it started runs on until the session leaves `Active`.
   */
  onActive(start: ActiveStart<Media, Signal>): Disposable {
    const entry: ActiveStart<Media, Signal> = (scope) => start(scope);
    this.#starts.add(entry);
    if (this.#stay) this.#start(this.#stay, entry);
    return { [Symbol.dispose]: () => void this.#starts.delete(entry) };
  }

  /**
   * The live media handles, for code that does not run inside a callback.
   *
   * @throws LodelineError `session/not-active` unless the session is `Active`.
   */
  get media(): Media {
    return handleOf(this.#stay);
  }

  /** The session became `Active`: starts every callback, in the order of registration. */
  enter(session: string, media: Media): void {
    this.leave("replaced");
    const stay: Stay<Media, Signal> = {
      session,
      media,
      abort: this.#options.createAbort(),
      disposers: [],
      over: false,
    };
    this.#stay = stay;
    for (const start of [...this.#starts]) {
      // A callback may end the session: the rest is not started for a stay that is over.
      if (stay.over) return;
      this.#start(stay, start);
    }
  }

  /**
   * The session left `Active`: aborts the signal, then runs the disposers in reverse. Nothing happens when it was not.
   *
   * @returns What asynchronous disposers returned, for the owner to await before it calls the end complete.
   */
  leave(reason: unknown): readonly PromiseLike<unknown>[] {
    const stay = this.#stay;
    if (!stay) return [];
    this.#stay = undefined;
    stay.over = true;
    this.#guard(() => stay.abort.abort(reason));
    const waiting: PromiseLike<unknown>[] = [];
    for (let dispose = stay.disposers.pop(); dispose; dispose = stay.disposers.pop()) {
      const result = this.#guard(dispose);
      if (isPromiseLike(result)) waiting.push(result);
    }
    return waiting;
  }

  #start(stay: Stay<Media, Signal>, start: ActiveStart<Media, Signal>): void {
    const defer = (result: unknown) => {
      if (typeof result === "function") this.#defer(stay, result as () => unknown);
    };
    const result = this.#guard(() => start(this.#scope(stay)));
    if (isPromiseLike(result)) result.then(defer, this.#options.onError);
    else defer(result);
  }

  #scope(stay: Stay<Media, Signal>): ActiveScope<Media, Signal> {
    const scope: Omit<ActiveScope<Media, Signal>, typeof live> = {
      session: stay.session,
      get media() {
        return handleOf(stay);
      },
      signal: stay.abort.signal,
      defer: (dispose) => this.#defer(stay, dispose),
    };
    return scope as ActiveScope<Media, Signal>;
  }

  #defer(stay: Stay<Media, Signal>, dispose: () => unknown): void {
    if (stay.over) this.#guard(dispose);
    else stay.disposers.push(dispose);
  }

  #guard(run: () => unknown): unknown {
    try {
      return run();
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }
}

function handleOf<Media>(stay: { readonly media: Media; readonly over: boolean } | undefined): Media {
  if (!stay || stay.over) throw new LodelineError("session/not-active");
  return stay.media;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
