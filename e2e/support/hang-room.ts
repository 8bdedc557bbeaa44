import { Hub } from "@lodeline/hub";

// Preloaded into a server to be ended: its rooms hang for ever, in a loop that gives no other code a turn.
Hub.prototype.drain = () => {
  for (;;);
};
