import type { LodelineError, TeardownReceipt } from "@lodeline/client";
import type { JSX } from "preact";
import { route } from "../state/route.ts";
import { stay } from "../state/stay.ts";
import { Brand } from "./brand.tsx";
import { wordsOfReceipt } from "./receipt.tsx";

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
          <p class="soft">{wordsOfReceipt(receipt)}</p>
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
