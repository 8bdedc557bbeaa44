import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock, Logger, Timer } from "@lodeline/base";
import {
  type HubChanges,
  type HubImage,
  type HubStore,
  IMAGE_VERSION,
  type StoreDrop,
  type StoreKind,
} from "@lodeline/hub";
import { openFile, storageError } from "./sqlite-file.ts";

/** What a {@link SqliteStore} needs. */
export interface SqliteStoreOptions {
  /** The data directory; made when there is none. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The store has lost something: it is to be given everything again, by `Hub.saveAll`. */
  askAll(): void;
}

/** `ok`: what is said is kept. `failing`: it is not, and the file holds the last state that could be written. */
export type StorageState = "ok" | "failing";

/** Between two tries to write again. */
const RETRY_MS = 1_000;

/**
 * Keeps a hub in one SQLite file: one transaction for each batch, made behind the turns of one pass of the event loop, so
 * that all that arrived in it is written at once.
 *
 * A disk that takes no more does not end the server: it goes on from memory, logs it, shows it in `/readyz`, tries again
 * every second, and then writes everything.
 */
export class SqliteStore implements HubStore, Disposable {
  readonly #options: SqliteStoreOptions;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #state: StorageState = "ok";
  #waiting: { readonly changes: HubChanges; readonly done: () => void } | undefined;
  #retry: Timer | undefined;
  #closed = false;

  /** @throws LodelineError with a `storage/` code, as `openFile` says. */
  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    this.#path = join(options.directory, "lodeline.db");
    this.#database = openFile(options.directory);
    this.#statements = prepareStatements(this.#database);
  }

  get state(): StorageState {
    return this.#state;
  }

  /**
   * Limits the file, in pages of 4 KiB; for tests of a full disk.
   *
   * @param pages - No less than it has; 0 for as many as SQLite allows.
   */
  limitPages(pages: number): void {
    this.#database.exec(`PRAGMA max_page_count = ${pages === 0 ? 1_073_741_823 : pages}`);
  }

  /** All that is kept. @throws LodelineError `storage/unreadable` when the file is damaged. */
  image(): HubImage {
    try {
      const rows = this.#statements.all.all() as {
        kind: StoreKind;
        owner: string;
        key: string | number;
        value: string;
      }[];
      return { version: IMAGE_VERSION, records: rows.map((row) => ({ ...row })) };
    } catch (cause) {
      throw storageError(cause, this.#path);
    }
  }

  save(changes: HubChanges, done: () => void): void {
    // While it fails only everything is of use.
    if (this.#closed || (this.#state === "failing" && !changes.fresh)) return done();
    this.#waiting = { changes, done };
    setImmediate(() => this.#flush());
  }

  /** Writes what waits, and whatever follows from it, at once. */
  flush(): void {
    while (this.#waiting) this.#flush();
  }

  /** Writes what waits and lets go of the file. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#retry?.cancel();
    this.#database.close();
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (!waiting || this.#closed) return;
    this.#waiting = undefined;
    try {
      this.#write(waiting.changes);
      if (waiting.changes.fresh) this.#recovered();
    } catch (cause) {
      this.#failed(cause);
    }
    waiting.done();
  }

  #write({ fresh, drops, puts }: HubChanges): void {
    const { begin, clear, put, commit, rollback } = this.#statements;
    begin.run();
    try {
      if (fresh) clear.run();
      for (const drop of drops) this.#drop(drop);
      for (const { kind, owner, key, value } of puts) put.run(kind, owner, key, value);
      commit.run();
    } catch (cause) {
      // SQLite has rolled back by itself where the disk is full; elsewhere it has not.
      if (this.#database.isTransaction) rollback.run();
      throw cause;
    }
  }

  #drop(drop: StoreDrop): void {
    const { dropOne, dropThrough, dropAll } = this.#statements;
    const { kind, owner } = drop;
    if ("key" in drop) dropOne.run(kind, owner, drop.key);
    else if ("through" in drop) dropThrough.run(kind, owner, drop.through);
    else dropAll.run(kind, owner);
  }

  #failed(cause: unknown): void {
    const { clock, logger, askAll } = this.#options;
    const error = storageError(cause, this.#path);
    if (this.#state === "ok") {
      logger.error("storage failing: a restart now would lose what happens from here on", {
        code: error.code,
        reason: error.detail,
      });
    }
    this.#state = "failing";
    this.#retry?.cancel();
    this.#retry = clock.at(clock.now() + RETRY_MS, askAll);
  }

  #recovered(): void {
    if (this.#state === "failing") this.#options.logger.warn("storage works again: everything is kept", {});
    this.#state = "ok";
  }
}

interface Statements {
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly rollback: StatementSync;
  readonly clear: StatementSync;
  readonly put: StatementSync;
  readonly dropOne: StatementSync;
  readonly dropThrough: StatementSync;
  readonly dropAll: StatementSync;
  readonly all: StatementSync;
}

function prepareStatements(database: DatabaseSync): Statements {
  const of = (sql: string) => database.prepare(sql);
  return {
    begin: of("BEGIN IMMEDIATE"),
    commit: of("COMMIT"),
    rollback: of("ROLLBACK"),
    clear: of("DELETE FROM record"),
    put: of("INSERT OR REPLACE INTO record (kind, owner, key, value) VALUES (?, ?, ?, ?)"),
    dropOne: of("DELETE FROM record WHERE kind = ? AND owner = ? AND key = ?"),
    dropThrough: of("DELETE FROM record WHERE kind = ? AND owner = ? AND key <= ?"),
    dropAll: of("DELETE FROM record WHERE kind = ? AND owner = ?"),
    all: of("SELECT kind, owner, key, value FROM record"),
  };
}
