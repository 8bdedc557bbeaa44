import type { LodelineError, TeardownReceipt } from "@lodeline/client";
import type { JSX } from "preact";
import { route } from "../state/route.ts";
import { stay } from "../state/stay.ts";
import { Brand } from "./brand.tsx";
import { Notices } from "./notices.tsx";
import { wordsOfReceipt } from "./receipt.ts";
import { ReceiptSteps } from "./receipt-steps.tsx";

/** Why one is outside, and what one may do: by the code with which the place was lost. */
const REASONS: Readonly<Record<string, { readonly title: string; readonly text: string; readonly back?: string }>> = {
  "room/removed": {
    title: "You were removed from the room",
    text: "A moderator removed you. You can come back once a moderator lets you in again.",
  },
  "room/ended": {
    title: "The room was ended for everyone",
    text: "A moderator ended it. Whoever opens it now begins a new one.",
    back: "Open it anew",
  },
  "room/replaced": {
    title: "You are in this room in another tab",
    text: "Your place was taken over there.",
    back: "Take it back here",
  },
  "room/lease-expired": {
    title: "You were gone for too long",
    text: "The server had not heard of this page for the whole lease, and gave the place up.",
    back: "Go back in",
  },
};

/** After a room: why it is over, what became of the devices and connections, and the way back. */
export function Left({ receipt, error }: { receipt: TeardownReceipt; error: LodelineError | undefined }): JSX.Element {
  const back = () => {
    stay.value = { kind: "outside" };
  };
  const known = error && REASONS[error.code];
  const label = error ? (known ? known.back : "Go back in") : "Go back in";
  return (
    <div class="front">
      <header>
        <Brand />
      </header>
      <main>
        <div class="card farewell" role="status" data-left={error?.code ?? "left"}>
          <h1>{known?.title ?? (error ? "You are no longer in the room" : "You have left")}</h1>
          {error && <p>{known?.text ?? error.detail}</p>}
          <p class="soft">{wordsOfReceipt(receipt)}</p>
          <ReceiptSteps receipt={receipt} />
          <div class="row">
            {label && (
              <button type="button" class="button primary" onClick={back}>
                {route.value.kind === "room" ? label : "Continue"}
              </button>
            )}
            <a class="button" href="/">
              Front page
            </a>
          </div>
        </div>
        <Notices />
      </main>
    </div>
  );
}
