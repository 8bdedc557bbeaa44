import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";

/** A page that has the SDK and a `lab` to drive it by. */
export interface SdkPage extends AsyncDisposable {
  readonly url: string;
}

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>SDK</title><body>
<script type="module" src="/sdk.js"></script></body></html>`;

/**
 * Bundles a page's script, and the SDK that it imports, from source and serves it on loopback. The caller closes it.
 *
 * @param script - Path of the script; it makes a `lab` for whoever drives the page.
 * @param host - The address to listen on.
 */
export async function serveSdkPage(
  script = `${import.meta.dirname}/sdk-page-script.ts`,
  host = "127.0.0.1",
): Promise<SdkPage> {
  const bundle = await build({
    entryPoints: [script],
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["@lodeline/source"],
    write: false,
  });
  const code = bundle.outputFiles[0]?.contents;
  const server = createServer((request, response) => {
    const isScript = request.url === "/sdk.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? code : HTML);
  });
  server.listen(0, host);
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
