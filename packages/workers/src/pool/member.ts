import { type Clock, type LodelineError, type Logger, type MonoMs, type Timer, toLodelineError } from "@lodeline/base";
import type { Engine } from "../engine/engine.ts";
import type { EngineEvent, EngineLoad } from "../engine/messages.ts";

/** An engine that holds something and has said nothing for this long hangs. It says its load every second. */
export const SILENCE_MS = 10_000;
/** After a death the first new engine is made at once; one that dies within this time makes the next wait. */
const SETTLED_MS = 30_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;

/** Makes the engine of one place in a pool. */
export type EngineMaker = () => Engine & {
  /** Ends it as its death would. */
  lose?(why: string): void;
  /** Makes it die. For faults on purpose. */
  kill?(): void;
};

/** What a {@link Member} needs of its pool. */
export interface MemberOptions {
  readonly index: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly make: EngineMaker;
  /** Whether anything is placed here. */
  isBusy(): boolean;
  event(event: EngineEvent): void;
  /** The engine is gone and all that was on it; the next one is on its way. */
  lost(error: LodelineError): void;
  /** An engine is there and has its sockets: things can be placed here. */
  up(): void;
}

/** One place in a pool: an engine, and after its death the next one. */
export class Member {
  readonly index: number;
  readonly #options: MemberOptions;
  #engine: ReturnType<EngineMaker> | undefined;
  #isUp = false;
  #load: EngineLoad | undefined;
  #madeAtMs: MonoMs = 0;
  #heardAtMs: MonoMs = 0;
  #retryMs = 0;
  #retry: Timer | undefined;
  #watch: Timer | undefined;
  #closed = false;

  constructor(options: MemberOptions) {
    this.index = options.index;
    this.#options = options;
  }

  /** The engine, once it has its sockets and until its death. */
  get engine(): Engine | undefined {
    return this.#isUp ? this.#engine : undefined;
  }

  get load(): EngineLoad | undefined {
    return this.#load;
  }

  /**
   * Makes the engine.
   *
   * @throws LodelineError as the engine's `ready` does.
   */
  async start(): Promise<void> {
    const { clock, make } = this.#options;
    this.#madeAtMs = clock.now();
    this.#load = undefined;
    const engine = make();
    this.#engine = engine;
    engine.on("event", (event) => this.#heard(event));
    engine.on("lost", (error) => this.#lost(engine, error));
    await engine.ask({ kind: "ready" });
    if (this.#engine !== engine) return;
    this.#isUp = true;
    this.#heardAtMs = clock.now();
    this.#options.up();
  }

  /** Something was placed here: from now on it has to be heard of. */
  placed(): void {
    const { clock } = this.#options;
    if (this.#watch) return;
    this.#heardAtMs = clock.now();
    this.#watch = clock.at(this.#heardAtMs + SILENCE_MS, () => this.#checkSilence());
  }

  /** Makes the engine die. @returns Whether there was one that can. */
  kill(): boolean {
    if (!this.#engine?.kill) return false;
    this.#engine.kill();
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    this.#watch?.cancel();
    this.#isUp = false;
    await this.#engine?.close();
  }

  #heard(event: EngineEvent): void {
    this.#heardAtMs = this.#options.clock.now();
    if (event.kind === "load") this.#load = event.load;
    this.#options.event(event);
  }

  #checkSilence(): void {
    this.#watch = undefined;
    const { clock, isBusy } = this.#options;
    if (!isBusy() || !this.#engine) return;
    const dueAtMs = this.#heardAtMs + SILENCE_MS;
    if (clock.now() < dueAtMs) this.#watch = clock.at(dueAtMs, () => this.#checkSilence());
    else this.#engine.lose?.(`nothing was heard of it for ${SILENCE_MS} ms`);
  }

  #lost(engine: Engine, error: LodelineError): void {
    if (this.#engine !== engine || this.#closed) return;
    this.#options.logger.error("media worker lost", { worker: this.index, code: error.code, reason: error.detail });
    this.#engine = undefined;
    this.#isUp = false;
    this.#watch?.cancel();
    this.#watch = undefined;
    this.#options.lost(error);
    this.#again();
  }

  #again(): void {
    const { clock } = this.#options;
    const settled = clock.now() - this.#madeAtMs >= SETTLED_MS;
    const waitMs = settled ? 0 : this.#retryMs;
    this.#retryMs = settled ? RETRY_FIRST_MS : Math.min(Math.max(waitMs * 2, RETRY_FIRST_MS), RETRY_MAX_MS);
    this.#retry = clock.at(clock.now() + waitMs, () => void this.#restart());
  }

  async #restart(): Promise<void> {
    try {
      await this.start();
    } catch (thrown) {
      if (this.#closed) return;
      const { code, detail } = toLodelineError(thrown);
      this.#options.logger.error("media worker not started", { worker: this.index, code, reason: detail });
      const failed = this.#engine;
      this.#engine = undefined;
      void failed?.close().catch(() => {});
      // Where it was lost while it started, the next one is on its way already.
      if (failed) this.#again();
    }
  }
}
