import type { Browser, Page } from "puppeteer-core";
import type { Arrival, PersonAct } from "./page-script.ts";
import type { Sample, SoakSource } from "./sample.ts";

/** One person of the room, in a window of its own, so that every page is in front and presents frames. */
export class SoakPerson {
  readonly page: Page;
  readonly arrival: Arrival;
  readonly errors: string[] = [];

  private constructor(page: Page, arrival: Arrival) {
    this.page = page;
    this.arrival = arrival;
    page.on("pageerror", (error) => this.errors.push(error instanceof Error ? error.message : String(error)));
  }

  get name(): string {
    return this.arrival.name;
  }

  /** Opens the window and its page; does not join. */
  static async open(browser: Browser, url: string, arrival: Arrival, hear: (sample: Sample) => void) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.exposeFunction("hearSample", hear);
    await page.goto(url);
    return new SoakPerson(page, arrival);
  }

  async join(): Promise<void> {
    await this.page.waitForFunction("globalThis.roomLab !== undefined", { polling: 50 });
    await this.page.evaluate((arrival) => roomLab.join(arrival), this.arrival);
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.join();
  }

  act(what: PersonAct): Promise<void> {
    return this.page.evaluate((act) => roomLab.act(act), what);
  }

  moderate(what: "mute" | "allow", whom: string, source: SoakSource): Promise<void> {
    return this.page.evaluate((...args) => roomLab.moderate(...args), what, whom, source);
  }

  notes(): Promise<readonly string[]> {
    return this.page.evaluate(() => roomLab.notes());
  }
}
