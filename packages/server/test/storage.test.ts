import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, it } from "node:test";
import { LodelineError, type Logger, seededRandom, silentLogger } from "@lodeline/base";
import { type HubChanges, type HubStore, MemoryStore, type StoreDrop, type StoreRecord } from "@lodeline/hub";
import fastify from "fastify";
import { addHealthRoutes } from "../src/http/health-routes.ts";
import { SqliteStore } from "../src/storage/sqlite-store.ts";
import { StandingClock } from "./support/standing-clock.ts";

/** A store, and how to read what it holds after its process has died. */
interface Subject {
  readonly store: HubStore;
  /** What the next process finds, by name. */
  reopened(): Promise<Map<string, string>>;
}

const folders: string[] = [];
const open: SqliteStore[] = [];

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "lodeline-storage-"));
  folders.push(made);
  return made;
}

function sqlite(directory = folder(), options: { logger?: Logger; clock?: StandingClock; askAll?: () => void } = {}) {
  const { logger = silentLogger, clock = new StandingClock(), askAll = () => {} } = options;
  const store = new SqliteStore({ directory, logger, clock, askAll });
  open.push(store);
  return store;
}

afterEach(() => {
  for (const store of open.splice(0)) store[Symbol.dispose]();
  for (const made of folders.splice(0)) {
    chmodSync(made, 0o700);
    rmSync(made, { recursive: true });
  }
});

const SUBJECTS: Readonly<Record<string, () => Subject>> = {
  memory: () => {
    const store = new MemoryStore();
    return { store, reopened: async () => byName(store.image().records) };
  },
  SQLite: () => {
    const directory = folder();
    const store = sqlite(directory);
    return {
      store,
      reopened: async () => {
        store[Symbol.dispose]();
        return byName(sqlite(directory).image().records);
      },
    };
  },
};

for (const [name, make] of Object.entries(SUBJECTS)) {
  describe(`a store: ${name}`, () => {
    it("[STORE1] gives back what it was given, of every kind, number and text", async () => {
      const { store, reopened } = make();
      const puts: StoreRecord[] = [
        { kind: "link", owner: "lk_1", key: 0, value: '{"a":"é€😀\\u0000"}' },
        { kind: "frame", owner: "lk_1", key: 9_007_199_254_740_991, value: "1" },
        { kind: "answer", owner: "p_1", key: "7", value: '"text"' },
        { kind: "answer", owner: "p_1", key: 7, value: '"number"' },
      ];
      await saved(store, { puts });
      assert.deepEqual(await reopened(), byName(puts));
    });

    it("[STORE2] drops one, up to a number, and all of an owner, before it puts", async () => {
      const { store, reopened } = make();
      const puts: StoreRecord[] = [];
      for (const owner of ["a", "b"]) {
        for (let key = 1; key <= 12; key++) puts.push({ kind: "frame", owner, key, value: `${key}` });
        puts.push({ kind: "place", owner, key: "p", value: '"p"' });
      }
      await saved(store, { puts });
      await saved(store, {
        drops: [
          { kind: "frame", owner: "a", through: 10 },
          { kind: "frame", owner: "a", key: 12 },
          { kind: "frame", owner: "b" },
          { kind: "place", owner: "b", key: "nobody" },
        ],
        puts: [{ kind: "frame", owner: "b", key: 13, value: "13" }],
      });
      const left = [...(await reopened()).keys()].sort();
      assert.deepEqual(left, ['["frame","a",11]', '["frame","b",13]', '["place","a","p"]', '["place","b","p"]']);
    });

    it("[STORE3] forgets everything before a fresh batch", async () => {
      const { store, reopened } = make();
      await saved(store, { puts: [{ kind: "call", owner: "s", key: 0, value: "1" }] });
      await saved(store, { fresh: true, puts: [{ kind: "call", owner: "t", key: 0, value: "2" }] });
      assert.deepEqual([...(await reopened()).keys()], ['["call","t",0]']);
    });

    it("[STORE4] ends as a plain map does after any batches", async () => {
      const { store, reopened } = make();
      const reference = new Map<string, string>();
      const random = seededRandom(11);
      const below = (most: number) => random.u32() % most;
      for (let batch = 0; batch < 300; batch++) {
        const drops: StoreDrop[] = [];
        const puts: StoreRecord[] = [];
        for (let i = below(4); i > 0; i--) {
          const owner = `o${below(3)}`;
          const at = below(20);
          const shape = below(3);
          const drop = { kind: "frame", owner, ...(shape === 0 ? { key: at } : shape === 1 ? { through: at } : {}) };
          drops.push(drop as StoreDrop);
          for (const known of reference.keys()) {
            const [, of, key] = JSON.parse(known) as [string, string, number];
            if (of === owner && (shape === 2 || (shape === 0 ? key === at : key <= at))) reference.delete(known);
          }
        }
        for (let i = below(6); i > 0; i--) {
          const record: StoreRecord = { kind: "frame", owner: `o${below(3)}`, key: below(20), value: `${batch}` };
          puts.push(record);
          reference.set(JSON.stringify([record.kind, record.owner, record.key]), record.value);
        }
        await saved(store, { drops, puts });
      }
      assert.deepEqual(new Map([...(await reopened())].sort()), new Map([...reference].sort()));
    });
  });
}

describe("the data folder", () => {
  it("[STORE5] is for its owner alone, and so is every file in it", async () => {
    const directory = join(folder(), "deeper", "data");
    await saved(sqlite(directory), { puts: [{ kind: "call", owner: "s", key: 0, value: "1" }] });
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    for (const file of ["lodeline.db", "lodeline.db-wal"]) {
      assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
    }
  });

  it("[STORE6] serves one server at a time", () => {
    const directory = folder();
    sqlite(directory);
    assert.throws(() => sqlite(directory), isCode("storage/locked"));
  });

  it("[STORE7] refuses a file that is damaged, or of another program, or of another version, and leaves it alone", () => {
    const files: Readonly<Record<string, (path: string) => void>> = {
      "storage/unreadable": (path) =>
        writeFileSync(path, "this is no database, and long enough to be read as one".repeat(40)),
      "storage/unreadable ": (path) => exec(path, "CREATE TABLE theirs (a)"),
      "storage/version": (path) =>
        exec(path, "PRAGMA application_id = 0x4c4f4445; PRAGMA user_version = 999; CREATE TABLE record (a)"),
    };
    for (const [code, make] of Object.entries(files)) {
      const directory = folder();
      make(join(directory, "lodeline.db"));
      assert.throws(() => sqlite(directory), isCode(code.trim()));
    }
  });

  it("[STORE7] refuses a file whose pages are damaged", async () => {
    const directory = folder();
    const store = sqlite(directory);
    const puts = Array.from(
      { length: 400 },
      (_, key): StoreRecord => ({ kind: "frame", owner: "l", key, value: "x".repeat(500) }),
    );
    await saved(store, { puts });
    store[Symbol.dispose]();
    const path = join(directory, "lodeline.db");
    const bytes = Buffer.alloc(4096, 0x5a);
    exec(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    writeFileSync(path, bytes, { flag: "r+", flush: true });
    assert.throws(() => sqlite(directory), isCode("storage/unreadable"));
  });

  it("[STORE8] says when it cannot be made or written", () => {
    const file = join(folder(), "a-file");
    writeFileSync(file, "");
    assert.throws(() => sqlite(join(file, "data")), isCode("storage/unwritable"));
  });
});

describe("a disk that is full", () => {
  it("[STORE9] does not stop anybody: it is said once, tried every second, and then everything is kept", async () => {
    const directory = folder();
    const said: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (what) => said.push(`error ${what}`),
      warn: (what) => said.push(`warn ${what}`),
    };
    const clock = new StandingClock();
    let asked = 0;
    const store = sqlite(directory, { logger, clock, askAll: () => asked++ });
    await saved(store, { fresh: true, puts: [{ kind: "call", owner: "early", key: 0, value: "1" }] });
    store.limitPages(3);
    const large = (owner: string) => ({ kind: "call", owner, key: 0, value: "x".repeat(50_000) }) as const;
    await saved(store, { puts: [large("lost")] });
    assert.equal(store.state, "failing");
    await saved(store, { puts: [{ kind: "call", owner: "small", key: 0, value: "2" }] });
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /^error storage failing/);
    assert.deepEqual(
      [...byName(store.image().records).keys()],
      ['["call","early",0]'],
      "the last state that fitted, whole",
    );
    clock.goTo(999);
    assert.equal(asked, 0);
    clock.goTo(1_000);
    assert.equal(asked, 1);
    await saved(store, { fresh: true, puts: [large("still too large")] });
    assert.equal(store.state, "failing");
    store.limitPages(0);
    clock.goTo(2_000);
    assert.equal(asked, 2);
    await saved(store, { fresh: true, puts: [large("all")] });
    assert.equal(store.state, "ok");
    assert.match(said.at(-1) ?? "", /^warn storage works again/);
    store[Symbol.dispose]();
    assert.deepEqual([...byName(sqlite(directory).image().records).keys()], ['["call","all",0]']);
  });
});

describe("readiness", () => {
  it("[STORE9] shows a storage that fails, and goes on letting people in", async () => {
    const app = fastify();
    let storage: "ok" | "failing" | undefined = "ok";
    const status = { uptimeMs: 0, sockets: 0, links: 0, rooms: 0, participants: 0, transports: 0 };
    addHealthRoutes(app, () => ({ ...status, state: "ready", storage }));
    const read = async () => {
      const { statusCode, body } = await app.inject("/readyz");
      return [statusCode, JSON.parse(body)];
    };
    assert.deepEqual(await read(), [200, { status: "ready", storage: "ok" }]);
    storage = "failing";
    assert.deepEqual(await read(), [200, { status: "ready", storage: "failing" }]);
    storage = undefined;
    assert.deepEqual(await read(), [200, { status: "ready" }]);
    await app.close();
  });
});

function saved(store: HubStore, changes: Partial<HubChanges>): Promise<void> {
  return new Promise((done) => store.save({ fresh: false, drops: [], puts: [], ...changes }, done));
}

function byName(records: readonly StoreRecord[]): Map<string, string> {
  return new Map(records.map(({ kind, owner, key, value }) => [JSON.stringify([kind, owner, key]), value]));
}

function exec(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof LodelineError && error.code === code;
}
