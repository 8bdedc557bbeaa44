import type { LodelineClient, Room, RoomConnection } from "@lodeline/client";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { copy } from "../state/clipboard.ts";
import { developing, setDeveloping, showHelp } from "../state/developer.ts";
import { linkFragment } from "../state/passphrase.ts";
import { usePulse } from "../state/pulse.ts";
import { serverCall } from "../state/stay.ts";
import { Brand } from "./brand.tsx";
import { ControlBar, type PanelName } from "./control-bar.tsx";
import { DeveloperPanel } from "./developer-panel.tsx";
import { DevicesPanel } from "./devices-panel.tsx";
import { Icon } from "./icon.tsx";
import { Notices } from "./notices.tsx";
import { PeoplePanel } from "./people-panel.tsx";
import { EncryptedBadge, UnlockBar } from "./sealed.tsx";
import { ServerTile } from "./server-tile.tsx";
import { SidePanel } from "./side-panel.tsx";
import { ParticipantTile, ScreenTile, SelfTile } from "./tile.tsx";
import { TileGrid } from "./tile-grid.tsx";
import { TroubleBar } from "./trouble-bar.tsx";
import { ownWords } from "./truth.tsx";

/** Inside a room: everyone, the truth of their tracks, and the keys of the call. */
export function RoomPage({ room, client }: { room: Room; client: LodelineClient }): JSX.Element {
  usePulse();
  const [panel, show] = useState<PanelName>(undefined);
  const people = [...room.participants.values()];
  const screens = people.filter((person) => person.sources.screen.intent === "live");
  const tiles = people.length + screens.length + 1 + (serverCall.value ? 1 : 0);
  return (
    <div class="room">
      <header>
        <Brand bare />
        <h1>{room.id}</h1>
        <Connection connection={room.connection} />
        <EncryptedBadge room={room} />
        {room.locked && (
          <span class="locked" title="Nobody else can come in">
            <Icon name="lock" /> Locked
          </span>
        )}
        <button type="button" class="button quiet push" onClick={() => copyLink(room)}>
          <Icon name="link" /> <span class="wide-only">Copy link</span>
          <span class="visually-hidden narrow-only">Copy link</span>
        </button>
        <button type="button" class="button quiet help" aria-label="Help" title="Keys and help (?)" onClick={showHelp}>
          ?
        </button>
      </header>
      <main class={`stage ${panel || developing.value ? "with-panel" : ""} ${developing.value ? "developing" : ""}`}>
        <TroubleBar />
        <TileGrid count={tiles} featuring={screens.length > 0}>
          {screens.map((person) => (
            <ScreenTile key={`${person.id}:screen`} room={room} participant={person} />
          ))}
          {people.map((person) => (
            <ParticipantTile key={person.id} room={room} participant={person} />
          ))}
          {serverCall.value && <ServerTile call={serverCall.value} />}
          <SelfTile
            name={room.self.name}
            stream={room.self.stream}
            shows={room.camera.state === "live"}
            microphone={ownWords(room.microphone.state, room.microphone.mutedBy)}
            camera={ownWords(room.camera.state, room.camera.mutedBy)}
          />
        </TileGrid>
        {panel && (
          <SidePanel
            title={panel === "people" ? `People (${people.length + 1})` : "Devices"}
            close={() => show(undefined)}
          >
            {panel === "people" ? <PeoplePanel room={room} /> : <DevicesPanel room={room} />}
          </SidePanel>
        )}
        {developing.value && !panel && (
          <SidePanel title="Developer" close={() => setDeveloping(false)}>
            <DeveloperPanel room={room} />
          </SidePanel>
        )}
        <UnlockBar room={room} />
        <Notices />
      </main>
      <ControlBar room={room} client={client} panel={panel} show={show} />
    </div>
  );
}

function Connection({ connection }: { connection: RoomConnection }): JSX.Element {
  const { words, look } = describe(connection);
  return (
    <span class={`connection ${look}`} role="status" data-connection={words}>
      <span>{words}</span>
    </span>
  );
}

function describe({ link, media }: RoomConnection): { words: string; look: "good" | "wait" | "bad" } {
  if (link === "interrupted" || link === "connecting") return { words: "Reconnecting to the server", look: "wait" };
  if (link === "closed") return { words: "Not connected", look: "bad" };
  if (media === "interrupted") return { words: "Media is reconnecting", look: "wait" };
  if (media === "connecting") return { words: "Connecting media", look: "wait" };
  if (media === "ended") return { words: "No media connection", look: "bad" };
  return { words: media === "none" ? "Waiting for others" : "Connected", look: "good" };
}

function copyLink(room: Room): void {
  const fragment = linkFragment(room);
  const done = fragment ? "The link is copied, with the passphrase in it." : "The room's link is copied.";
  copy(`${location.origin}${location.pathname}${fragment}`, done);
}
