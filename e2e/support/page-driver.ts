import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";

/** How long a browser may take for anything that is waited for; generous, since machines are shared. */
const PATIENCE_MS = 30_000;

/** Goes through a room's door as a person would: name, switches, key. Settles when the room is on the page. */
export async function enterRoom(
  page: Page,
  name: string,
  wish: { readonly camera?: boolean; readonly microphone?: boolean } = {},
): Promise<void> {
  const field = await page.waitForSelector("input[name=name]", { timeout: PATIENCE_MS });
  await field?.click({ count: 3 });
  await field?.type(name);
  for (const device of ["camera", "microphone"] as const) {
    if (wish[device] !== false) continue;
    const label = device === "camera" ? "Camera" : "Microphone";
    await page.click(`button[aria-label="${label} when going in"][aria-pressed=true]`);
  }
  await page.click("[data-test=join]");
  await page.waitForSelector(".room", { timeout: PATIENCE_MS });
}

/** The words of a tile by the person's name; `undefined` while there is no such tile. */
export function wordsOf(page: Page, person: string): Promise<Record<string, string> | undefined> {
  return page.evaluate((name) => {
    const tile = [...document.querySelectorAll(".tile")].find((one) => one.getAttribute("aria-label") === name);
    if (!tile) return undefined;
    const truths = [...tile.querySelectorAll<HTMLElement>(".truth")];
    return Object.fromEntries(truths.map((one) => [one.dataset.source ?? "", one.dataset.words ?? ""]));
  }, person);
}

/** Waits until a tile says these words. */
export async function waitForWords(
  page: Page,
  person: string,
  words: Readonly<Record<string, string>>,
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  try {
    await page.waitForFunction(
      (name, wanted) => {
        const tile = [...document.querySelectorAll(".tile")].find((one) => one.getAttribute("aria-label") === name);
        return Object.entries(wanted).every(
          ([source, word]) =>
            tile?.querySelector(`.truth[data-source="${source}"]`)?.getAttribute("data-words") === word,
        );
      },
      { timeout: timeoutMs, polling: 50 },
      person,
      words,
    );
  } catch (cause) {
    const now = JSON.stringify(await wordsOf(page, person));
    throw new Error(`the tile of ${person} never said ${JSON.stringify(words)}; it says ${now}`, { cause });
  }
}

/** Leaves by the key, and reads on the page that everything was released. */
export async function leaveRoom(page: Page): Promise<void> {
  await page.click("[data-key=leave]");
  await page.waitForSelector(".farewell");
  const words = await page.$eval(".farewell", (card) => card.textContent ?? "");
  assert.match(words, /every connection is closed/);
  await page.close();
}
