import type { Call } from "@lodeline/client";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { answer, current, isEngaged, nameOfCall, refuse, ringing } from "../state/calls.ts";
import { usePulse } from "../state/pulse.ts";
import { stay } from "../state/stay.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icon.tsx";

/** Who calls now, over whatever the page shows; and, while one is in a room, whom one calls. */
export function Ringing(): JSX.Element | null {
  usePulse();
  useTitle(ringing.value[0]);
  const outgoing = stay.value.kind === "inside" && current.value?.state === "OutgoingInit" ? current.value : undefined;
  if (ringing.value.length === 0 && !outgoing) return null;
  return (
    <section class="ringing" aria-label="Calls">
      {ringing.value.map((call) => (
        <IncomingCard key={call.id} call={call} />
      ))}
      {outgoing && <OutgoingCard call={outgoing} />}
    </section>
  );
}

function IncomingCard({ call }: { call: Call }): JSX.Element {
  const card = useRef<HTMLDivElement>(null);
  const name = nameOfCall(call);
  const engaged = isEngaged();
  const inCall = current.value !== undefined;
  useEffect(() => focusUnlessBusy(card.current), []);
  return (
    <div
      class="ring-card"
      role="alertdialog"
      aria-labelledby={`ring-${call.id}`}
      aria-describedby={`ring-why-${call.id}`}
      ref={card}
      data-ringing={call.identity}
    >
      <span class="pulsing">
        <Avatar name={name} />
      </span>
      <div class="who">
        <strong id={`ring-${call.id}`}>{name} calls you</strong>
        <span class="soft" id={`ring-why-${call.id}`}>
          {call.wants.video ? "With camera" : "Voice only"}
          {engaged && `. Answering ends ${inCall ? "the call you are in" : "your stay in this room"}.`}
        </span>
      </div>
      <div class="answers">
        <button type="button" class="button take" onClick={() => answer(call, false)} data-answer="voice">
          <Icon name="answer" /> {engaged ? (inCall ? "End and answer" : "Leave and answer") : "Answer"}
        </button>
        <button
          type="button"
          class="button take second"
          onClick={() => answer(call, true)}
          data-answer="video"
          aria-label={`${engaged ? "End what I am in and answer" : "Answer"} with camera`}
        >
          <Icon name="camera" /> {engaged ? "With camera" : "With camera"}
        </button>
        <button type="button" class="button" onClick={() => refuse(call, "busy")} data-answer="busy">
          I am busy
        </button>
        <button type="button" class="button drop" onClick={() => refuse(call, "declined")} data-answer="decline">
          <Icon name="leave" /> Decline
        </button>
      </div>
    </div>
  );
}

function OutgoingCard({ call }: { call: Call }): JSX.Element {
  const name = nameOfCall(call);
  return (
    <div class="ring-card" role="status" data-ringing-out={call.identity}>
      <span class="pulsing">
        <Avatar name={name} />
      </span>
      <div class="who">
        <strong>Calling {name}</strong>
        <span class="soft">You stay in this room until they answer.</span>
      </div>
      <div class="answers">
        <button type="button" class="button drop" onClick={() => void call.hangup()}>
          <Icon name="leave" /> Give up
        </button>
      </div>
    </div>
  );
}

/** A call may come while somebody types a name or works a dialog: the focus is theirs then. */
function focusUnlessBusy(card: HTMLElement | null): void {
  const active = document.activeElement;
  const held = active instanceof HTMLElement && active.closest("input, select, textarea, dialog, .ring-card");
  if (!held) card?.querySelector("button")?.focus({ preventScroll: true });
}

/** A tab that is not in front says it in its name. */
function useTitle(call: Call | undefined): void {
  const name = call && nameOfCall(call);
  useEffect(() => {
    if (!name) return undefined;
    const before = document.title;
    document.title = `☎ ${name} calls you`;
    return () => {
      document.title = before;
    };
  }, [name]);
}
