import type { TeardownReceipt } from "@lodeline/client";
import type { JSX } from "preact";
import { Steps } from "./steps.tsx";

/** How everything was released, step by step, and what became of each thing. */
export function ReceiptSteps({ receipt }: { receipt: TeardownReceipt }): JSX.Element {
  const { tracks, channels, connections, timers } = receipt;
  return (
    <details class="receipt-steps">
      <summary>How it was released</summary>
      <div class="inside">
        <Steps steps={receipt.steps} />
        <p class="soft">
          {count(tracks, (one) => one.readyState === "ended", "track", "ended")},{" "}
          {count(channels, (one) => one.readyState === "closed", "data channel", "closed")},{" "}
          {count(connections, (one) => one.state === "closed", "connection", "closed")}, {timers} timers left.
        </p>
      </div>
    </details>
  );
}

function count<T>(all: readonly T[], over: (one: T) => boolean, name: string, word: string): string {
  return `${all.filter(over).length} of ${all.length} ${name}${all.length === 1 ? "" : "s"} ${word}`;
}
