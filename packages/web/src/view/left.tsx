import type { LodelineError, TeardownReceipt } from "@lodeline/client";
import type { JSX } from "preact";
import { route } from "../state/route.ts";
import { stay } from "../state/stay.ts";
import { Brand } from "./brand.tsx";

/** After leaving: what became of the devices and connections, read from the receipt, and the way back. */
export function Left({ receipt, error }: { receipt: TeardownReceipt; error: LodelineError | undefined }): JSX.Element {
  const back = () => {
    stay.value = { kind: "outside" };
  };
  return (
    <div class="front">
      <header>
        <Brand />
      </header>
      <main>
        <div class="card farewell" role="status">
          <h1>{error ? "You are no longer in the room" : "You have left"}</h1>
          {error && <p>{error.detail}</p>}
          <p class="soft">{wordsOf(receipt)}</p>
          <div class="row">
            <button type="button" class="button primary" onClick={back}>
              {route.value.kind === "room" ? "Go back in" : "Continue"}
            </button>
            <a class="button" href="/">
              Front page
            </a>
          </div>
        </div>
      </main>
    </div>
  );
}

function wordsOf(receipt: TeardownReceipt): string {
  if (!receipt.clean)
    return `Not everything could be released: ${receipt.left.join(", ")}. Closing this tab releases it.`;
  // A device may have been opened, and copied for sending, more than once: a person counts devices.
  const devices = new Set(receipt.tracks.map((track) => track.source)).size;
  const released =
    devices === 0
      ? "No device was in use"
      : devices === 1
        ? "One device was released"
        : `${devices} devices were released`;
  return `${released}; every connection is closed. It took ${Math.round(receipt.durationMs)} ms.`;
}
