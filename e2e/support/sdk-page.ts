import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";

/** A page that has the SDK as `globalThis.sdk`, and elements to play media in. */
export interface SdkPage extends AsyncDisposable {
  readonly url: string;
}

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>SDK</title><body>
<script type="module" src="/sdk.js"></script></body></html>`;

/** What the page makes of the SDK: everything it exports, and the book that tests keep of what was opened. */
const ENTRY = `
import * as sdk from "@lodeline/client";
globalThis.sdk = sdk;
globalThis.captured = [];
globalThis.connections = [];
const media = navigator.mediaDevices;
for (const name of ["getUserMedia", "getDisplayMedia"]) {
  const original = media[name].bind(media);
  media[name] = async (constraints) => {
    const stream = await original(constraints);
    globalThis.captured.push(...stream.getTracks());
    return stream;
  };
}
const Original = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Original {
  constructor(...args) { super(...args); globalThis.connections.push(this); }
};
`;

/** Bundles the SDK from source and serves it on loopback. The caller closes it. */
export async function serveSdkPage(): Promise<SdkPage> {
  const bundle = await build({
    stdin: { contents: ENTRY, resolveDir: import.meta.dirname },
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["@lodeline/source"],
    write: false,
  });
  const script = bundle.outputFiles[0]?.contents;
  const server = createServer((request, response) => {
    const isScript = request.url === "/sdk.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : HTML);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
