import { webcrypto } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cryptoRandom, seededRandom } from "@lodeline/base";
import { type UdpConditions, type UdpFaultConditions, UdpRelay } from "@lodeline/chaos";
import { createMediaEngine, type MediaTransport } from "@lodeline/media";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "../../e2e/support/browsers.ts";
import { realClock } from "../../e2e/support/media-lab.ts";
import { type CallMeasure, type CallPageApi, callsPage } from "./calls-page.ts";

/** How the two are connected: each to the other, or through the engine. */
export type CallWay = "direct" | "server";

/** What is done to one way of media. */
export type CallFault = { readonly rateBps: number } | { readonly loss: number };

/** One call: somebody sends sound and a busy picture at 720p, somebody else receives it. */
export interface Call extends AsyncDisposable {
  /** Forgets what was measured so far. */
  mark(): Promise<void>;
  measure(): Promise<{ readonly sender: CallMeasure; readonly receiver: CallMeasure }>;
  /** Imposes a fault on media, between the sender and whoever it talks to, or between the engine and the receiver. */
  impose(leg: "up" | "down", fault: CallFault): void;
  /** The engine's side of the receiver, of a call through it. */
  readonly downlink: MediaTransport | undefined;
}

/** Two browsers that can call each other, again and again. */
export interface CallRig extends AsyncDisposable {
  open(way: CallWay, options?: { readonly simulcast?: boolean }): Promise<Call>;
}

const clock = realClock();

/** Starts both browsers, and a page for them. */
export async function openCallRig(): Promise<CallRig> {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(callsPage);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const browsers = await Promise.all([launch("chromium"), launch("chromium")]);
  return {
    open: (way, options = {}) => openCall(browsers, url, way, options.simulcast ?? false),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(browsers.map((browser) => browser.close()));
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function openCall(
  browsers: readonly LaunchedBrowser[],
  url: string,
  way: CallWay,
  simulcast: boolean,
): Promise<Call> {
  const stack = new AsyncDisposableStack();
  const [sender, receiver] = (await Promise.all(browsers.map((browser) => browser.open(url)))).map(({ page }) => page);
  if (sender === undefined || receiver === undefined) throw new Error("bug: two browsers");
  for (const page of [sender, receiver]) {
    stack.defer(async () => {
      await tell(page, "close");
      await page.close();
    });
  }
  await Promise.all([tell(sender, "open", { sends: true, simulcast }), tell(receiver, "open", { sends: false })]);
  const connect = way === "direct" ? connectDirectly : connectByEngine;
  const { up, down, downlink } = await connect(sender, receiver, stack);
  await Promise.all([tell(sender, "connected"), tell(receiver, "connected")]);
  return {
    downlink,
    mark: async () => {
      await Promise.all([tell(sender, "mark"), tell(receiver, "mark")]);
    },
    measure: async () => ({ sender: await tell(sender, "measure"), receiver: await tell(receiver, "measure") }),
    impose: (leg, fault) => {
      if (leg === "up" || way === "direct") up.impose(conditions(fault, "up"));
      else down?.impose(conditions(fault, "down"));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface Connected {
  /** Between the sender and whoever it sends to. */
  readonly up: UdpRelay;
  /** Between the engine and the receiver. */
  readonly down?: UdpRelay;
  readonly downlink?: MediaTransport;
}

/** The receiver's address is known to the sender only as the relay's, and the sender's not at all to the receiver. */
async function connectDirectly(sender: Page, receiver: Page, stack: AsyncDisposableStack): Promise<Connected> {
  const answer = await tell(receiver, "answer", without(await tell(sender, "offer")));
  const up = stack.use(await UdpRelay.open(clock, endpointOf(answer)));
  await tell(sender, "accept", through(answer, up));
  return { up };
}

async function connectByEngine(sender: Page, receiver: Page, stack: AsyncDisposableStack): Promise<Connected> {
  const random = cryptoRandom((into) => webcrypto.getRandomValues(into));
  const engine = stack.use(createMediaEngine({ clock, random }));
  const connect = async (page: Page, id: string) => {
    const transport = engine.createTransport({ id });
    const { sdp, sections } = await transport.answer(await tell(page, "offer"));
    const relay = stack.use(await UdpRelay.open(clock, endpointOf(sdp)));
    await tell(page, "accept", through(sdp, relay));
    return { transport, sections, relay };
  };
  const from = await connect(sender, "sender");
  const to = await connect(receiver, "receiver");
  for (const kind of ["audio", "video"] as const) {
    const mid = from.sections.find((section) => section.kind === kind)?.mid ?? "";
    const publication = engine.publish({ id: kind, transport: from.transport, mid, kind });
    const slot = to.sections.find((section) => section.kind === kind)?.mid ?? "";
    const forwarder = engine.forward({ id: `to-${kind}`, publication, transport: to.transport, mid: slot });
    forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
  }
  return { up: from.relay, down: to.relay, downlink: to.transport };
}

const CANDIDATE = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host.*$/im;

function endpointOf(sdp: string): { address: string; port: number } {
  const [, address, port] = CANDIDATE.exec(sdp) ?? [];
  if (address === undefined) throw new Error(`no host candidate in the description:\n${sdp}`);
  return { address, port: Number(port) };
}

function without(sdp: string): string {
  return sdp.replace(/^a=candidate:.*\r?\n/gim, "");
}

/** The description with the relay as its only candidate. */
function through(sdp: string, relay: UdpRelay): string {
  const { address, port } = relay.endpoint;
  const line = `a=candidate:1 1 udp 2130706431 ${address} ${port} typ host`;
  return without(sdp).replace(/^(a=ice-ufrag:)/im, `${line}\r\n$1`);
}

function conditions(fault: CallFault, way: "up" | "down"): UdpFaultConditions {
  const calm = { loss: 0, delayMs: 0, jitterMs: 0, reorder: 0, duplicate: 0, rateBps: Infinity, dead: false };
  const these: UdpConditions = { ...calm, queueBytes: 64 * 1024, ...fault };
  return { [way]: these, random: seededRandom(1) };
}

function tell<Name extends keyof CallPageApi>(
  page: Page,
  method: Name,
  ...args: Parameters<CallPageApi[Name]>
): Promise<Awaited<ReturnType<CallPageApi[Name]>>> {
  return page.evaluate(
    (name, list) =>
      (window as unknown as { call: Record<string, (...all: unknown[]) => unknown> }).call[name]?.(...list),
    method as string,
    args as unknown[],
  ) as Promise<Awaited<ReturnType<CallPageApi[Name]>>>;
}
