import type { LocalSource, LodelineClient, Room, ScreenSource } from "@lodeline/client";
import type { JSX } from "preact";
import { moderatorName } from "../state/moderation.ts";
import { usePulse } from "../state/pulse.ts";
import { leave, serverCall, toggleServerCall } from "../state/stay.ts";
import { attempt, isOn, Key, OwnKeys, useShortcuts } from "./key.tsx";

/** Which side panel is open. */
export type PanelName = "people" | "devices" | undefined;

const VIEWER = "You are a viewer here: a moderator can let you speak.";

/** The keys of a room. Letters do the same: m, v, s, p. */
export function ControlBar(props: {
  room: Room;
  client: LodelineClient;
  panel: PanelName;
  show: (panel: PanelName) => void;
}): JSX.Element {
  usePulse();
  const { room, client, panel, show } = props;
  const viewer = room.self.role === "viewer" ? VIEWER : undefined;
  const barred = (source: LocalSource | ScreenSource, what: string): string | undefined => {
    if (viewer || source.mutedBy === null || source.mayUnmute) return viewer;
    return `${moderatorName(room, source.mutedBy)} muted your ${what}: only a moderator can let you open it again.`;
  };
  const noScreen = barred(room.screen, "screen");
  const sharing = room.screen.state === "live" || room.screen.state === "starting";
  const screen = () => attempt(sharing ? room.screen.stop() : room.screen.start());
  const people = () => show(panel === "people" ? undefined : "people");
  useShortcuts({ s: () => noScreen === undefined && screen(), p: people });
  return (
    <nav class="bar" aria-label="Call">
      <OwnKeys
        microphone={room.microphone}
        camera={room.camera}
        barred={{ microphone: barred(room.microphone, "microphone"), camera: barred(room.camera, "camera") }}
      />
      <Key
        icon="screen"
        label={sharing ? "Stop" : "Share"}
        on={sharing}
        press={screen}
        shortcut="s"
        barred={noScreen}
      />
      <span class="split" />
      <Key icon="people" label="People" on={panel === "people"} press={people} shortcut="p" />
      <Key
        icon="settings"
        label="Devices"
        on={panel === "devices"}
        press={() => show(panel === "devices" ? undefined : "devices")}
      />
      <Key
        icon="robot"
        label={serverCall.value ? "Hang up" : "Test call"}
        hint="Call the peer that lives on the server: it sends your sound and picture back"
        on={serverCall.value !== undefined}
        press={() => void toggleServerCall(client, isOn(room.camera))}
      />
      <span class="split" />
      <Key icon="leave" label="Leave" className="leave" press={() => void leave()} />
    </nav>
  );
}
