import { webcrypto } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cryptoRandom, LodelineError, systemClock } from "@lodeline/base";
import {
  type CodecName,
  createMediaEngine,
  hostAddresses,
  type MediaEngine,
  type MediaEngineOptions,
  type MediaTransport,
  type Section,
} from "@lodeline/media";
import { labPage } from "./media-lab-page.ts";

/** One browser connection that a page of the lab made. */
export interface LabConnection {
  readonly transport: MediaTransport;
  sections: readonly Section[];
}

/** A bare page and a bare engine, with nothing of Lodeline between them: what the media package itself can do. */
export interface MediaLab extends AsyncDisposable {
  readonly engine: MediaEngine;
  readonly url: string;
  /** By the name the page connected with. */
  readonly connections: ReadonlyMap<string, LabConnection>;
  readonly now: () => number;
}

/** Called when a page made its first offer, before the answer is sent. */
export type OnConnect = (name: string, connection: LabConnection, engine: MediaEngine) => void;

/** The real clock of this process. */
export function realClock() {
  return systemClock({
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
    clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
  });
}

/** Opens a lab on loopback. @param onAnswer - May change answers before a page gets them. */
export async function openMediaLab(
  onConnect: OnConnect,
  options: Partial<MediaEngineOptions> & { readonly videoCodecs?: readonly CodecName[] } = {},
  onAnswer: (sdp: string) => string = (sdp) => sdp,
): Promise<MediaLab> {
  const clock = realClock();
  const random = cryptoRandom((into) => webcrypto.getRandomValues(into));
  const engine = createMediaEngine({ clock, random, addresses: hostAddresses(), ...options });
  const connections = new Map<string, LabConnection>();
  const offer = async (name: string, sdp: string) => {
    let connection = connections.get(name);
    if (connection === undefined) {
      connection = { transport: engine.createTransport({ id: name }), sections: [] };
      connections.set(name, connection);
      const answer = await connection.transport.answer(sdp);
      connection.sections = answer.sections;
      onConnect(name, connection, engine);
      return onAnswer(answer.sdp);
    }
    const answer = await connection.transport.answer(sdp);
    connection.sections = answer.sections;
    return onAnswer(answer.sdp);
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (request.method !== "POST") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(url.pathname === "/" ? labPage : "");
      return;
    }
    let body = "";
    request.on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      offer(url.searchParams.get("name") ?? "", body).then(
        (sdp) => response.end(sdp),
        (error: unknown) => {
          response.statusCode = error instanceof LodelineError ? 422 : 500;
          response.end(String(error));
        },
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    engine,
    url: `http://127.0.0.1:${port}/`,
    connections,
    now: () => clock.now(),
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
