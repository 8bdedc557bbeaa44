import type { Clock, Timer } from "@lodeline/base";
import type { Observation, SessionKey } from "@lodeline/participant";
import type { Source } from "@lodeline/protocol";
import type { SessionConnection } from "../peer/session-connection.ts";
import type { SentFacts } from "./sent-evidence.ts";

/** How often statistics are read while something is expected that has not come, and while all is well. */
const BUSY_MS = 250;
const CALM_MS = 1_000;

/** What an {@link Observer} needs. */
export interface ObserverOptions {
  readonly clock: Clock;
  /** Every connection there is, by the key of its remote. */
  connections(): readonly (readonly [SessionKey, SessionConnection])[];
  /** Whether something is pending or missing. */
  busy(): boolean;
  observe(observation: Observation): void;
}

/**
 * Reads the statistics of all connections again and again, and tells what they prove. The next reading is planned when
 * the last one is done, so that a slow browser is asked less often instead of more. Goes on in a hidden page.
 */
export class Observer implements Disposable {
  readonly #options: ObserverOptions;
  #timer: Timer | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #reading = false;
  #closed = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** Whether a reading is planned: a timer is armed. */
  get armed(): boolean {
    return this.#timer !== undefined;
  }

  /** Reads now, unless a reading is under way. */
  nudge(): void {
    if (!this.#closed && !this.#reading) this.#plan(0);
  }

  /** Something is expected now: a reading planned at the calm pace comes sooner. */
  quicken(): void {
    const { clock } = this.#options;
    const soonMs = clock.now() + BUSY_MS;
    if (!this.#closed && !this.#reading && this.#dueAt > soonMs) this.#plan(BUSY_MS);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #plan(delayMs: number): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#dueAt = clock.now() + delayMs;
    this.#timer = clock.at(this.#dueAt, () => {
      this.#timer = undefined;
      this.#dueAt = Number.POSITIVE_INFINITY;
      void this.#read();
    });
  }

  async #read(): Promise<void> {
    this.#reading = true;
    const connections = this.#options.connections();
    try {
      const readings = await Promise.all(connections.map((entry) => this.#readOne(entry)));
      if (!this.#closed) this.#options.observe(merge(readings));
    } finally {
      this.#reading = false;
    }
    if (!this.#closed && connections.length > 0) this.#plan(this.#options.busy() ? BUSY_MS : CALM_MS);
  }

  async #readOne([key, connection]: readonly [SessionKey, SessionConnection]): Promise<Reading> {
    try {
      return { key, ...(await connection.observe(this.#options.clock.now())) };
    } catch {
      // A connection that was closed while it was asked.
      return { key, published: [], received: new Map() };
    }
  }
}

interface Reading {
  readonly key: SessionKey;
  readonly published: readonly SentFacts[];
  readonly received: ReadonlyMap<string, number>;
}

/** In a mesh a source is sent once for each other member: one that leaves on any of them is sent. */
function merge(readings: readonly Reading[]): Observation {
  const published = new Map<Source, SentFacts>();
  for (const { source, captured, sent } of readings.flatMap((reading) => reading.published)) {
    const before = published.get(source);
    published.set(source, { source, captured: captured || !!before?.captured, sent: sent || !!before?.sent });
  }
  return {
    published: [...published.values()],
    received: readings.flatMap(({ key, received }) => [...received].map(([mid, count]) => ({ key, mid, count }))),
  };
}
