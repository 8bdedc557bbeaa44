import { benchAddon } from "./compiled.ts";
import { measuredOptions, serveMeasured } from "./worker-process.ts";

// The bound for forwarding in C, in a thread of its own; this thread only answers.
const { ports } = measuredOptions<{ readonly ports: readonly number[] }>();
const addon = benchAddon();
const port = addon.startForwarder(Int32Array.from(ports));
serveMeasured({ port }, () => ({ sent: addon.forwarded() }));
