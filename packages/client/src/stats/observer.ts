import type { Clock, Timer } from "@lodeline/base";
import type { Observation, SessionKey } from "@lodeline/participant";
import type { Source } from "@lodeline/protocol";
import type { SessionConnection } from "../peer/session-connection.ts";
import type { SentFacts } from "./sent-evidence.ts";

/**
 * How often statistics are read: `eager` for the two seconds in which something new is expected, `busy` while something
 * is missing, `calm` while all is well.
 */
const PACES_MS = { eager: 100, busy: 250, calm: 1_000 } as const;

/** How urgently something is waited for. */
export type Pace = keyof typeof PACES_MS;

/** What an {@link Observer} needs. */
export interface ObserverOptions {
  readonly clock: Clock;
  /** Every connection there is, by the key of its remote. */
  connections(): readonly (readonly [SessionKey, SessionConnection])[];
  /** How urgently something is waited for now. */
  pace(): Pace;
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
  #proven = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** Whether a reading is planned: a timer is armed. */
  get armed(): boolean {
    return this.#timer !== undefined;
  }

  /** How many own sources the last reading proved to be captured and sent. */
  get proven(): number {
    return this.#proven;
  }

  /** Reads now, unless a reading is under way. */
  nudge(): void {
    if (!this.#closed && !this.#reading) this.#plan(0);
  }

  /** Something else is expected now: a reading that was planned at a slower pace comes sooner. */
  quicken(): void {
    const paceMs = PACES_MS[this.#options.pace()];
    const soon = this.#options.clock.now() + paceMs;
    if (!this.#closed && !this.#reading && this.#dueAt > soon) this.#plan(paceMs);
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
      const observation = merge(readings);
      this.#proven = observation.published.filter(({ captured, sent }) => captured && sent).length;
      if (!this.#closed) this.#options.observe(observation);
    } finally {
      this.#reading = false;
    }
    if (!this.#closed && connections.length > 0) this.#plan(PACES_MS[this.#options.pace()]);
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
