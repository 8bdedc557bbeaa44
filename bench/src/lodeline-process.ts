import { createServer } from "@lodeline/server";
import { measuredOptions, serveMeasured } from "./worker-process.ts";

/** What the measured server is told. */
interface Options {
  /** Where the built page is, if it is to be served. */
  readonly pageDirectory?: string;
  /** Where the server keeps itself, if it does. */
  readonly storage?: { readonly directory: string };
}

// A whole server in a process of its own, so that its CPU and memory are nobody else's.
const server = await createServer({ access: { kind: "open" }, port: 0, rate: null, ...measuredOptions<Options>() });
serveMeasured({ url: server.url, linkUrl: server.linkUrl }, () => ({ ...numbersOf(server.status()) }));

function numbersOf(status: object): Record<string, number> {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => typeof value === "number"));
}
