import type { JSX } from "preact";
import { current, over } from "../state/calls.ts";
import { usePulse } from "../state/pulse.ts";
import { route } from "../state/route.ts";
import { stay } from "../state/stay.ts";
import { CallDoor } from "./call-door.tsx";
import { CallOverPage } from "./call-over.tsx";
import { CallPage } from "./call-page.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { Door } from "./door.tsx";
import { Front } from "./front.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import { Left } from "./left.tsx";
import { Ringing } from "./ringing.tsx";
import { RoomPage } from "./room-page.tsx";

/** The page, and over it whoever calls. */
export function App(): JSX.Element {
  return (
    <>
      <Place />
      <Ringing />
      <ConfirmDialog />
      <HelpDialog />
    </>
  );
}

/** A call, a room, the word of farewell of either, a door, or the front. */
function Place(): JSX.Element {
  usePulse();
  const now = stay.value;
  const call = current.value;
  // Whom one calls from inside a room is a card over it until they answer.
  if (call && !(now.kind === "inside" && call.state === "OutgoingInit"))
    return <CallPage key={call.identity} call={call} />;
  if (now.kind === "inside") return <RoomPage room={now.room} client={now.client} />;
  if (over.value) return <CallOverPage over={over.value} />;
  if (now.kind === "left") return <Left receipt={now.receipt} error={now.error} />;
  const where = route.value;
  if (where.kind === "room") return <Door key={where.room} room={where.room} />;
  if (where.kind === "call") return <CallDoor key={where.identity} identity={where.identity} name={where.name} />;
  return <Front />;
}
