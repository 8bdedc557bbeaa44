import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LodelineError } from "@lodeline/base";
import { IMAGE_VERSION } from "@lodeline/hub";

/** "LODE": says whose file it is, in its header. */
const APPLICATION_ID = 0x4c4f4445;
/** How the tables are laid out. Together with the form of the values it is the file's version. */
const LAYOUT = 1;
/** The version in the file's header: layout and form of the values in one number. */
const FILE_VERSION = LAYOUT * 1_000 + IMAGE_VERSION;
/** A server that is being replaced may hold the file a moment longer. */
const LOCK_WAIT_MS = 1_500;
/** The log is taken into the file when it has this many pages of 4 KiB, and cut back to as much. */
const LOG_PAGES = 1_000;
/** A file with more free pages than this, and than half of all, is packed when it is opened. */
const MOST_FREE_PAGES = 1_000;

/** Result codes of SQLite, https://www.sqlite.org/rescode.html; extended ones have these in their low byte. */
const RESULT = { perm: 3, busy: 5, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 };

/**
 * Opens the file of a data directory, which is made when there is none, for this process alone.
 *
 * Only the owner may read either: the file holds what resumes links, and messages that are not acknowledged.
 *
 * @throws LodelineError with a `storage/` code that says what is wrong, and where.
 */
export function openFile(directory: string): DatabaseSync {
  const path = join(directory, "lodeline.db");
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Made before SQLite would, which gives it, and its log, the rights of any other file.
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    prepare(database);
    return database;
  } catch (cause) {
    database?.close();
    throw cause instanceof LodelineError ? cause : storageError(cause, path);
  }
}

/** What a fault of the file or its disk means. */
export function storageError(cause: unknown, path: string): LodelineError {
  const result = "errcode" in Object(cause) ? Number((cause as { errcode: number }).errcode) & 0xff : undefined;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (result === RESULT.busy)
    return new LodelineError("storage/locked", { cause, detail: `Another server uses ${path}.` });
  if (result === RESULT.full || code === "ENOSPC") {
    return new LodelineError("storage/full", { cause, detail: `No room is left for ${path}.` });
  }
  if (result === RESULT.corrupt || result === RESULT.notADatabase) {
    return new LodelineError("storage/unreadable", { cause, detail: `${path} is damaged, or no file of this server.` });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LodelineError("storage/unwritable", { cause, detail: `${path} cannot be used: ${why}.` });
}

function prepare(database: DatabaseSync): void {
  // With the lock held for good no other process is let in, and no shared memory is needed beside the log.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const { application_id: owner } = row(database, "PRAGMA application_id");
  const { tables } = row(database, "SELECT count(*) AS tables FROM sqlite_schema");
  const isNew = owner === 0 && tables === 0;
  if (!isNew && owner !== APPLICATION_ID) {
    throw new LodelineError("storage/unreadable", {
      detail: "The file in the data directory belongs to another program.",
    });
  }
  const { user_version: version } = row(database, "PRAGMA user_version");
  if (!isNew && version !== FILE_VERSION) {
    const detail = `The kept state has version ${version}; this server reads ${FILE_VERSION}. Move the data directory away to begin anew.`;
    throw new LodelineError("storage/version", { detail });
  }
  database.exec("PRAGMA journal_mode = WAL");
  // A commit survives the death of the process; a loss of power may cost the last ones, and never the file.
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
  database.exec(`PRAGMA journal_size_limit = ${LOG_PAGES * 4_096}`);
  check(database);
  database.exec(
    "CREATE TABLE IF NOT EXISTS record (kind TEXT NOT NULL, owner TEXT NOT NULL, key NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, owner, key)) WITHOUT ROWID",
  );
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  // Always a write: a directory or a disk that takes none shows here, not at the first guest.
  database.exec(`PRAGMA user_version = ${FILE_VERSION}`);
  pack(database);
  // What a killed process left in the log is in the file now: logs do not add up over restarts.
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

function check(database: DatabaseSync): void {
  const { quick_check: found } = row(database, "PRAGMA quick_check(1)");
  if (found !== "ok") throw new LodelineError("storage/unreadable", { detail: `The kept state is damaged: ${found}.` });
}

function pack(database: DatabaseSync): void {
  const { freelist_count: free } = row(database, "PRAGMA freelist_count");
  const { page_count: pages } = row(database, "PRAGMA page_count");
  if (Number(free) > MOST_FREE_PAGES && Number(free) > Number(pages) / 2) database.exec("VACUUM");
}

function row(database: DatabaseSync, sql: string): Record<string, unknown> {
  return database.prepare(sql).get() ?? {};
}
