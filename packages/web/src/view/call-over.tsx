import type { JSX } from "preact";
import { type CallOver, forgetOver, placeCall, whyOver } from "../state/calls.ts";
import { route } from "../state/route.ts";
import { stay } from "../state/stay.ts";
import { Avatar } from "./avatar.tsx";
import { Brand } from "./brand.tsx";
import { clock } from "./clock.ts";
import { Icon } from "./icon.tsx";
import { Notices } from "./notices.tsx";
import { wordsOfReceipt } from "./receipt.ts";
import { ReceiptSteps } from "./receipt-steps.tsx";

/** After a call: how it ended, what became of the devices, and what one may want next. */
export function CallOverPage({ over }: { over: CallOver }): JSX.Element {
  const room = stay.value.kind === "left" && route.value.kind === "room" ? route.value.room : undefined;
  const back = () => {
    forgetOver();
    stay.value = { kind: "outside" };
  };
  return (
    <div class="front">
      <header>
        <Brand />
      </header>
      <main>
        <div class="card farewell" role="status" data-over={over.reason}>
          <Avatar name={over.name} large />
          <h1>{whyOver(over)}</h1>
          {over.talkedMs >= 1000 && <p>You talked for {clock(over.talkedMs)}.</p>}
          <p class="soft">{wordsOfReceipt(over.receipt)}</p>
          <ReceiptSteps receipt={over.receipt} />
          <div class="row">
            <button
              type="button"
              class="button primary"
              onClick={() => void placeCall(over.identity, over.name, over.video)}
            >
              <Icon name="answer" /> Call again
            </button>
            <button type="button" class="button" onClick={back}>
              {room ? `Back to ${room}` : "Done"}
            </button>
          </div>
        </div>
        <Notices />
      </main>
    </div>
  );
}
