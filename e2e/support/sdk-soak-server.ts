/** A server in a process of its own, for soaks: its heap is its own. Answers `measure` with what it holds. */
import { createServer } from "@lodeline/server";
import { heapBytes, held } from "./held.ts";

const server = await createServer({ access: { kind: "open" }, port: 0 });
process.on("message", (what) => {
  if (what === "measure") {
    process.send?.({ heapBytes: heapBytes(), held: held(), hub: server.hub.status(), status: server.status() });
  }
});
process.on("disconnect", () => process.exit(0));
process.send?.({ url: server.url });
