import { type Clock, LodelineError, type Timer } from "@lodeline/base";
import { type CatalogueEntry, FAULT_CATALOGUE } from "./language/catalogue.ts";
import type { Fault } from "./language/fault.ts";
import { parseFault } from "./language/parse-fault.ts";

/** A fault at work. */
export interface RunningFault {
  /** Everything is as it was before. Called once. */
  stop(): void;
  /** What it has done so far, by name. */
  counters(): Readonly<Record<string, number>>;
}

/**
 * Makes a fault happen.
 *
 * @param over - To be called when it has done all it will ever do; never from within the call itself.
 * @throws LodelineError `config/invalid` when it cannot be done here.
 */
export type FaultPerformer = (fault: Fault, over: () => void) => RunningFault;

/** A fault that was started, as `GET /v1/faults` shows it. */
export interface ActiveFault {
  readonly id: string;
  readonly spec: string;
  /** Calendar ms at which it begins, or has begun. */
  readonly since: number;
  /** False while its time has not come. */
  readonly running: boolean;
  readonly counters: Readonly<Record<string, number>>;
}

interface Entry {
  readonly id: string;
  readonly fault: Fault;
  readonly since: number;
  running: RunningFault | undefined;
  timer: Timer | undefined;
}

/** Faults that have ended are remembered for their counters, this many. */
const ENDED_LIMIT = 100;

/** Starts, times, lists and stops faults. What each of them does is the performers' business. */
export class FaultDesk implements Disposable {
  readonly #clock: Clock;
  readonly #performers: Readonly<Record<string, FaultPerformer>>;
  readonly #entries = new Map<string, Entry>();
  readonly #ended = new Map<string, Readonly<Record<string, number>>>();
  #count = 0;

  /** @param options.performers - By the catalogue's names; a fault without one is refused here. */
  constructor(options: { readonly clock: Clock; readonly performers: Readonly<Record<string, FaultPerformer>> }) {
    this.#clock = options.clock;
    this.#performers = options.performers;
  }

  /** Every fault of the language, with those of the page. */
  get catalogue(): readonly CatalogueEntry[] {
    return FAULT_CATALOGUE;
  }

  /** What was started and is not over. */
  get active(): readonly ActiveFault[] {
    return [...this.#entries.values()].map(({ id, fault, since, running }) => ({
      id,
      spec: fault.spec,
      since,
      running: running !== undefined,
      counters: running?.counters() ?? {},
    }));
  }

  /**
   * Starts a fault, now or at its time.
   *
   * @returns Its id, to stop it by.
   * @throws LodelineError `config/invalid` when it is not written well or cannot be done here.
   */
  start(spec: string): string {
    const fault = parseFault(spec);
    const perform = this.#performers[fault.name];
    if (!perform) {
      const detail = `"${fault.name}" cannot be done here.`;
      throw new LodelineError("config/invalid", { field: "fault", detail });
    }
    const id = `f${++this.#count}`;
    const entry: Entry = { id, fault, since: this.#clock.wall() + fault.afterMs, running: undefined, timer: undefined };
    this.#entries.set(id, entry);
    try {
      if (fault.afterMs === 0) this.#begin(entry, perform);
      else entry.timer = this.#clock.at(this.#clock.now() + fault.afterMs, () => this.#begin(entry, perform));
    } catch (error) {
      this.#entries.delete(id);
      throw error;
    }
    return id;
  }

  /**
   * Stops a fault.
   *
   * @returns Whether it was there.
   */
  stop(id: string): boolean {
    const entry = this.#entries.get(id);
    if (!entry) return false;
    this.#entries.delete(id);
    entry.timer?.cancel();
    entry.running?.stop();
    this.#ended.set(id, entry.running?.counters() ?? {});
    const oldest = this.#ended.keys().next().value;
    if (this.#ended.size > ENDED_LIMIT && oldest !== undefined) this.#ended.delete(oldest);
    return true;
  }

  /** Stops every fault. */
  stopAll(): void {
    for (const id of [...this.#entries.keys()]) this.stop(id);
  }

  /** What a fault has done, also after its end; `undefined` for one that is not remembered. */
  counters(id: string): Readonly<Record<string, number>> | undefined {
    const entry = this.#entries.get(id);
    return entry ? (entry.running?.counters() ?? {}) : this.#ended.get(id);
  }

  [Symbol.dispose](): void {
    this.stopAll();
  }

  #begin(entry: Entry, perform: FaultPerformer): void {
    const { id, fault } = entry;
    entry.running = perform(fault, () => this.stop(id));
    const { forMs } = fault;
    entry.timer = forMs === undefined ? undefined : this.#clock.at(this.#clock.now() + forMs, () => this.stop(id));
  }
}
