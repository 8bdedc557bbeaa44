import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LedgerRow, RoomSnapshot, Standing } from "@lodeline/protocol";
import { type LaunchedBrowser, launch } from "../../e2e/support/browsers.ts";
import { LodelineProcess } from "../../e2e/support/lodeline-process.ts";
import { type SdkPage, serveSdkPage } from "../../e2e/support/sdk-page.ts";
import type { ServerWord } from "./judge.ts";
import { SoakPerson } from "./person.ts";
import { type Sample, SOAK_SOURCES, type SoakSource } from "./sample.ts";
import type { Incident, RowFilter, WindowName } from "./windows.ts";

const ROOM = "soak";

/** A server in its own process, people in real pages, and all that was said and seen. */
export class Stage implements AsyncDisposable {
  readonly people: readonly SoakPerson[];
  /** Where the server is; also after it was started again. */
  readonly url: string;
  readonly samples: Sample[];
  readonly words: ServerWord[] = [];
  readonly incidents: Incident[] = [];
  readonly #browsers: readonly LaunchedBrowser[];
  readonly #page: SdkPage;
  #server: ServerParts;
  readonly #trouble = new Set<Promise<void>>();
  #listening = true;
  /** Settles when the server answers again. */
  #away: Promise<void> = Promise.resolve();

  private constructor(parts: {
    people: readonly SoakPerson[];
    server: ServerParts;
    url: string;
    samples: Sample[];
    browsers: readonly LaunchedBrowser[];
    page: SdkPage;
  }) {
    this.people = parts.people;
    this.#server = parts.server;
    this.url = parts.url;
    this.samples = parts.samples;
    this.#browsers = parts.browsers;
    this.#page = parts.page;
    void this.#listen();
  }

  /** Starts everything; nobody has joined yet. The first person is a moderator. */
  static async open(people: number, topology: "sfu" | "mesh", browserCount: number): Promise<Stage> {
    const dataDirectory = (await keepsData()) ? await mkdtemp(join(tmpdir(), "lodeline-soak-")) : undefined;
    const { process, url } = await startServer("0", dataDirectory);
    const server = { process, dataDirectory };
    const page = await serveSdkPage(`${import.meta.dirname}/page-script.ts`);
    const browsers = await Promise.all(Array.from({ length: browserCount }, () => launch("chromium")));
    const samples: Sample[] = [];
    const made: SoakPerson[] = [];
    for (let index = 0; index < people; index++) {
      const browser = browsers[index % browserCount]?.browser;
      if (!browser) throw new Error("no browser");
      const arrival = { url, room: ROOM, name: `p${index}`, index, moderator: index === 0, topology };
      made.push(await SoakPerson.open(browser, page.url, arrival, (sample) => void samples.push(sample)));
    }
    return new Stage({ people: made, server, url, samples, browsers, page });
  }

  /** The server's process. */
  get server(): LodelineProcess {
    return this.#server.process;
  }

  /** Whether the server keeps its rooms in a store, so that it can be killed and started again. */
  get survives(): boolean {
    return this.#server.dataDirectory !== undefined;
  }

  /** Kills the server without a word and starts it again, after a while, on the same port and store. */
  async restart(awayMs: number): Promise<void> {
    this.#away = this.#restart(awayMs);
    await this.#away;
  }

  async #restart(awayMs: number): Promise<void> {
    const { process, dataDirectory } = this.#server;
    process.signal("SIGKILL");
    await process.ended;
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    const started = await startServer(new URL(this.url).port, dataDirectory);
    this.#server = { ...this.#server, process: started.process };
  }

  /** Notes that something begins to be done to the room. @returns The incident; set `endedMs` when it is over. */
  begin(kind: string, window: WindowName, rows: RowFilter, flowsAfter = true): Incident {
    const beganMs = Date.now();
    const incident: Incident = { kind, window, rows, beganMs, endedMs: Number.POSITIVE_INFINITY, flowsAfter };
    this.incidents.push(incident);
    return incident;
  }

  /** Does something during which messages may not get through. */
  async troublesLinks(work: () => Promise<void>): Promise<void> {
    const done = work();
    this.#trouble.add(done);
    await done.finally(() => this.#trouble.delete(done));
  }

  /** Settles when nothing troubles the links any more; `undefined` when nothing does. */
  linksWell(): Promise<unknown> | undefined {
    return this.#trouble.size === 0 ? undefined : Promise.allSettled(this.#trouble);
  }

  /** What the server's room is now. */
  async room(): Promise<RoomSnapshot> {
    return (await this.#read<{ room: RoomSnapshot }>(`/v1/rooms/${ROOM}`)).room;
  }

  /** The participant id of a person. */
  async idOf(name: string): Promise<string> {
    await this.#away;
    const found = (await this.room()).participants.find((one) => one.name === name);
    if (!found) throw new Error(`${name} is not in the room`);
    return found.id;
  }

  /** Names of the faults that this server performs. */
  async faults(): Promise<ReadonlySet<string>> {
    const { catalogue } = await this.#read<{ catalogue: { name: string; at: string; example: string }[] }>(
      "/v1/faults",
    );
    const names = new Set<string>();
    for (const { name, at, example } of catalogue) {
      if (at !== "server" || name === "server") continue;
      // The catalogue has all there are; whether this server performs one it only says when asked, here for long after.
      const timed = `${example.replace(/[@+].*$/, "")}@100m`;
      if (
        await this.inject(timed).then(
          () => true,
          () => false,
        )
      )
        names.add(name);
    }
    await this.mend();
    return names;
  }

  /** Asks the server for a fault, in the one language of faults. */
  async inject(spec: string): Promise<string> {
    await this.#away;
    const response = await fetch(`${this.url}/v1/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ spec }),
    });
    if (!response.ok) throw new Error(`fault refused: ${await response.text()}`);
    return ((await response.json()) as { id: string }).id;
  }

  /** Ends a fault that is still at work, or all of them. One that is over already is no error. */
  async mend(id?: string): Promise<void> {
    await this.#away;
    await fetch(`${this.url}/v1/faults${id === undefined ? "" : `/${id}`}`, { method: "DELETE" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening = false;
    await Promise.all(this.#browsers.map((browser) => browser.close()));
    await this.#page[Symbol.asyncDispose]();
    this.server[Symbol.dispose]();
    if (this.#server.dataDirectory) await rm(this.#server.dataDirectory, { recursive: true, force: true });
  }

  /** Takes the server's word once at every whole second. */
  async #listen(): Promise<void> {
    while (this.#listening) {
      const second = Math.floor(Date.now() / 1000) + 1;
      await new Promise((resolve) => setTimeout(resolve, second * 1000 - Date.now()));
      // Not awaited: a server that stands still is asked again at the next second. No answer is no word; such seconds
      // are counted.
      void this.#word(second).then(
        (word) => this.words.push(word),
        () => {},
      );
    }
  }

  async #word(second: number): Promise<ServerWord> {
    const [{ rows }, room] = await Promise.all([
      this.#read<{ rows: LedgerRow[] }>(`/v1/rooms/${ROOM}/ledger`),
      this.room(),
    ]);
    const nameOf = new Map(room.participants.map((one) => [one.id, one.name]));
    const words = new Map<string, Standing>();
    for (const row of rows) {
      if (!SOAK_SOURCES.includes(row.source as SoakSource)) continue;
      words.set(`${nameOf.get(row.from)}:${row.source}>${nameOf.get(row.to)}`, row.standing);
    }
    const names = room.participants.map((one) => one.name);
    return {
      second,
      takenMs: Date.now(),
      rows: words,
      ghosts: [...new Set(names.filter((one, i) => names.indexOf(one) !== i))],
    };
  }

  async #read<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  }
}

interface ServerParts {
  readonly process: LodelineProcess;
  readonly dataDirectory: string | undefined;
}

/** Whether this server can keep its rooms in a folder. */
async function keepsData(): Promise<boolean> {
  using asked = new LodelineProcess(["dev", "--help"]);
  await asked.ended;
  return asked.out.includes("--data");
}

async function startServer(port: string, dataDirectory: string | undefined) {
  const data = dataDirectory === undefined ? [] : ["--data", dataDirectory];
  const process = new LodelineProcess(["dev", "--port", port, "--faults", "--speakers", "0", ...data]);
  const [, url = ""] = await process.says(/(http:\/\/127\.0\.0\.1:\d+)/);
  return { process, url };
}
