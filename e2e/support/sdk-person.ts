import assert from "node:assert/strict";
import type { ClientOptions, JoinOptions } from "@lodeline/client";
import type { Page } from "puppeteer-core";
import type { LaunchedBrowser } from "./browsers.ts";
import type { ArrivedReport, Noted, SdkLab, TileReport } from "./sdk-page-script.ts";

/** What can be handed to a page. */
type PlainJoin = Pick<JoinOptions, "room" | "name" | "topology" | "startMuted" | "encryption" | "scalabilityMode"> & {
  readonly microphone?: boolean;
  readonly camera?: boolean;
  /** Comes as a moderator. */
  readonly admin?: boolean;
};

/** Options that make a client on the page. */
export interface PersonOptions {
  readonly server: string;
  readonly page: string;
}

/** One person on one page of a browser, who uses the SDK. */
export class Person {
  readonly page: Page;
  readonly errors: readonly string[];
  readonly #options: PersonOptions;

  private constructor(page: Page, errors: readonly string[], options: PersonOptions) {
    this.page = page;
    this.errors = errors;
    this.#options = options;
  }

  /** Opens a page that has the SDK. */
  static async arrive(browser: LaunchedBrowser, options: PersonOptions): Promise<Person> {
    const { page, errors } = await browser.open(options.page);
    const person = new Person(page, errors, options);
    await person.ready();
    return person;
  }

  /** Waits until the page has the SDK, e.g. after a reload. */
  async ready(): Promise<void> {
    await this.page.waitForFunction("globalThis.lab !== undefined");
  }

  /** Joins with microphone and camera unless told otherwise. @returns How long `join` took, ms. */
  join(options: PlainJoin, client: Pick<ClientOptions, "slots" | "token"> = {}): Promise<number> {
    const wish = { microphone: true, camera: true, ...options };
    return this.page.evaluate((made, join) => lab.join(made, join), { url: this.#options.server, ...client }, wish);
  }

  /** Makes the client, for calls. @returns The identity the server gave. */
  connect(name: string): Promise<string | undefined> {
    return this.page.evaluate(
      async (url, own) => {
        const client = lab.open({ url, name: own });
        await client.connect();
        return client.identity;
      },
      this.#options.server,
      name,
    );
  }

  /** Runs something with the page's lab; what it gives must be plain data. */
  run<T>(fn: (lab: SdkLab) => T | Promise<T>): Promise<T> {
    return this.page.evaluate(`(${fn.toString()})(globalThis.lab)`) as Promise<T>;
  }

  /** Waits until something is true on the page. Polls: a tab that is not in front draws no frames to wait for. */
  async until(condition: () => unknown, timeoutMs = 15_000): Promise<void> {
    try {
      await this.page.waitForFunction(condition, { timeout: timeoutMs, polling: 50 });
    } catch (cause) {
      const notes = JSON.stringify((await this.notes()).slice(-20).map(({ what }) => what));
      throw new Error(`never: ${condition.toString()}; ${notes}`, { cause });
    }
  }

  tiles(): Promise<TileReport[]> {
    return this.run((lab) => lab.tiles());
  }

  arrived(): Promise<ArrivedReport[]> {
    return this.run((lab) => lab.arrived());
  }

  notes(): Promise<readonly Noted[]> {
    return this.run((lab) => [...lab.notes]);
  }

  /**
   * Waits until the tile of somebody says these words.
   *
   * @returns How long that took, ms.
   */
  async says(name: string, words: Readonly<Record<string, string>>, timeoutMs = 15_000): Promise<number> {
    const began = performance.now();
    try {
      await this.page.waitForFunction(
        (who, wanted) => {
          const tile = lab.tiles().find((one) => one.name === who);
          return (
            tile &&
            Object.entries(wanted).every(([source, word]) => (tile.words as Record<string, string>)[source] === word)
          );
        },
        { timeout: timeoutMs, polling: 20 },
        name,
        words,
      );
    } catch (cause) {
      const tiles = JSON.stringify(await this.tiles());
      const notes = JSON.stringify((await this.notes()).slice(-20).map(({ what }) => what));
      throw new Error(`never ${name} ${JSON.stringify(words)}: ${tiles}; ${notes}`, { cause });
    }
    return performance.now() - began;
  }

  /** Leaves, and asserts that everything the page ever opened is closed and the receipt says so. */
  async leaveCleanly(): Promise<void> {
    const receipt = await this.run(async (lab) => lab.room?.leave());
    assert.deepEqual(receipt?.left, []);
    assert.equal(receipt?.clean, true);
    const { tracks, connections } = await this.run((lab) => lab.opened());
    assert.ok(
      tracks.every((state) => state === "ended"),
      `tracks: ${tracks}`,
    );
    assert.ok(
      connections.every((state) => state === "closed"),
      `connections: ${connections}`,
    );
  }
}
