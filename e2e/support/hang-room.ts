import { writeSync } from "node:fs";
import { Hub } from "@lodeline/hub";

// Preloaded into a server to be ended: its rooms hang for ever, in a loop that gives no other code a turn.
Hub.prototype.drain = () => {
  // At once and without a turn of the event loop: there is none any more.
  writeSync(1, "The rooms hang.\n");
  for (;;);
};
