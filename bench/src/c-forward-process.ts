import { benchAddon } from "./compiled.ts";
import { measuredOptions, serveMeasured } from "./worker-process.ts";

// The bound for forwarding in C, in a thread of its own; this thread only answers.
const { ports, segments } = measuredOptions<{ readonly ports: readonly number[]; readonly segments: boolean }>();
const addon = benchAddon();
const port = addon.startForwarder(Int32Array.from(ports), segments);
serveMeasured({ port }, () => ({ sent: addon.forwarded() }));
