import type { ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

/** Browsers that Lodeline is tried in. */
export type BrowserName = "chromium" | "firefox";

/** Options of {@link launch}. */
export interface LaunchBrowserOptions {
  /** Size of the page. Default 1280 x 800. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** More command-line arguments. */
  readonly args?: readonly string[] | undefined;
  /** More preferences, Firefox only. */
  readonly prefs?: Readonly<Record<string, unknown>> | undefined;
  /** Started in place of the browser itself, to start it in turn: Chromium only. It is then driven through a pipe. */
  readonly wrapper?: string | undefined;
  /** Have fake camera, microphone and screen, allowed without a question. Default true. */
  readonly fakeMedia?: boolean | undefined;
}

/** A page and what went wrong on it. */
export interface OpenedPage {
  readonly page: Page;
  /** Errors of the console and uncaught ones, in order. */
  readonly errors: readonly string[];
}

/** A running browser. Disposing of it ends its process, whatever state it is in. */
export interface LaunchedBrowser extends AsyncDisposable {
  readonly name: BrowserName;
  readonly browser: Browser;
  /** Opens a page on a local address and collects its errors. The first of a browser takes its blank tab. */
  open(url: string): Promise<OpenedPage>;
  close(): Promise<void>;
}

interface Executable {
  readonly variable: string;
  readonly path: string;
  readonly debianPackage: string;
}

const EXECUTABLES: Readonly<Record<BrowserName, Executable>> = {
  chromium: { variable: "CHROMIUM_PATH", path: "/usr/bin/chromium", debianPackage: "chromium" },
  firefox: { variable: "FIREFOX_PATH", path: "/usr/bin/firefox-esr", debianPackage: "firefox-esr" },
};

/** How long a browser may take to end by itself before its process is ended. */
const CLOSE_TIMEOUT_MS = 5000;

/** How long a browser may take to start. */
const LAUNCH_TIMEOUT_MS = 60_000;

/** Whether the browser is installed, for tests that skip themselves. */
export function isInstalled(name: BrowserName): boolean {
  try {
    accessSync(executablePath(name), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a browser is, by its environment variable or where Debian puts it. */
export function executablePath(name: BrowserName): string {
  const { variable, path } = EXECUTABLES[name];
  return process.env[variable] ?? path;
}

/**
 * Starts a browser with fake devices that talks to this machine only.
 *
 * @throws Error saying what to install when the browser is missing.
 */
export async function launch(name: BrowserName, options: LaunchBrowserOptions = {}): Promise<LaunchedBrowser> {
  if (!isInstalled(name)) {
    const { variable, debianPackage } = EXECUTABLES[name];
    throw new Error(
      `${name} is not at ${executablePath(name)}: install it (Debian: apt-get install ${debianPackage}) or set ${variable}`,
    );
  }
  const browser = await (name === "chromium" ? launchChromium(options) : launchFirefox(options));
  return wrap(name, browser);
}

function launchChromium(options: LaunchBrowserOptions): Promise<Browser> {
  const fake = [
    // Half of what it gives by itself: several browsers encode 1280x720 beside each other on two cores.
    "--use-fake-device-for-media-stream=fps=10",
    "--use-fake-ui-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
  ];
  return puppeteer.launch({
    browser: "chrome",
    executablePath: options.wrapper ?? executablePath("chromium"),
    pipe: options.wrapper !== undefined,
    headless: true,
    timeout: LAUNCH_TIMEOUT_MS,
    defaultViewport: viewport(options),
    args: [
      // Containers run as root and have little shared memory.
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A page that is not in front must play and send as one that is.
      "--disable-background-timer-throttling",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
      "--autoplay-policy=no-user-gesture-required",
      // Nothing but this machine has an address.
      "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost, EXCLUDE 127.0.0.1",
      ...(options.fakeMedia === false ? [] : fake),
      ...(options.args ?? []),
    ],
  });
}

function launchFirefox(options: LaunchBrowserOptions): Promise<Browser> {
  const fake = { "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true };
  return puppeteer.launch({
    browser: "firefox",
    executablePath: executablePath("firefox"),
    headless: true,
    timeout: LAUNCH_TIMEOUT_MS,
    defaultViewport: viewport(options),
    // The first keeps release builds from asking for settings outside; the others keep a killed one from complaining.
    env: {
      ...process.env,
      MOZ_REMOTE_SETTINGS_DEVTOOLS: "1",
      MOZ_DISABLE_AUTO_SAFE_MODE: "1",
      MOZ_CRASHREPORTER_DISABLE: "1",
    },
    extraPrefsFirefox: {
      "media.autoplay.default": 0,
      "media.autoplay.blocking_policy": 0,
      "network.proxy.type": 1,
      // A proxy that is not there: everything but this machine fails at once.
      "network.proxy.http": "127.0.0.1",
      "network.proxy.http_port": 9,
      "network.proxy.ssl": "127.0.0.1",
      "network.proxy.ssl_port": 9,
      "network.proxy.no_proxies_on": "localhost, 127.0.0.1, ::1",
      "network.proxy.allow_hijacking_localhost": false,
      ...(options.fakeMedia === false ? {} : fake),
      ...options.prefs,
    },
    args: [...(options.args ?? [])],
  });
}

function viewport(options: LaunchBrowserOptions): { width: number; height: number } {
  return { width: options.width ?? 1280, height: options.height ?? 800 };
}

function wrap(name: BrowserName, browser: Browser): LaunchedBrowser {
  const child = browser.process();
  // A test process that ends for whatever reason takes its browser with it.
  const end = () => killGroup(child);
  process.once("exit", end);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= endBrowser(browser, end).finally(() => process.removeListener("exit", end));
    return closing;
  };
  return {
    name,
    browser,
    open: (url) => open(browser, url),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function endBrowser(browser: Browser, kill: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([browser.close().catch(() => {}), late]);
  clearTimeout(timer);
  const child = browser.process();
  if (child && child.exitCode === null && child.signalCode === null) {
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    kill();
    await ended;
  }
  // Any process of it that is left behind would hold its standard error, and so keep the test's process from ending.
  kill();
  for (const pipe of child?.stdio ?? []) pipe?.destroy();
}

/** Kills a browser with all the processes it started: puppeteer makes it the leader of their group. */
function killGroup(child: ChildProcess | null): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // None is left.
  }
}

const used = new WeakSet<Page>();

async function open(browser: Browser, url: string): Promise<OpenedPage> {
  const blank = (await browser.pages()).find((page) => !used.has(page) && page.url() === "about:blank");
  const page = blank ?? (await browser.newPage());
  used.add(page);
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error instanceof Error ? error.message : String(error)));
  await page.goto(url);
  return { page, errors };
}
