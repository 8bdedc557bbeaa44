import type { JSX } from "preact";
import { route } from "../state/route.ts";
import { stay } from "../state/stay.ts";
import { Door } from "./door.tsx";
import { Front } from "./front.tsx";
import { Left } from "./left.tsx";
import { RoomPage } from "./room-page.tsx";

/** The page: its front, a room's door, the room, and the word of farewell. */
export function App(): JSX.Element {
  const now = stay.value;
  if (now.kind === "inside") return <RoomPage room={now.room} client={now.client} />;
  if (now.kind === "left") return <Left receipt={now.receipt} error={now.error} />;
  return route.value.kind === "front" ? <Front /> : <Door room={route.value.room} />;
}
