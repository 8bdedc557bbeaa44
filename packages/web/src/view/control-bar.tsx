import { toLodelineError } from "@lodeline/base";
import type { LocalSource, LodelineClient, Room } from "@lodeline/client";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { notify } from "../state/notices.ts";
import { leave, serverCall, toggleServerCall, usePulse } from "../state/stay.ts";
import { Icon, type IconName } from "./icon.tsx";

/** Which side panel is open. */
export type PanelName = "people" | "devices" | undefined;

/** The keys of a call. Letters do the same: m, v, s, p. */
export function ControlBar(props: {
  room: Room;
  client: LodelineClient;
  panel: PanelName;
  show: (panel: PanelName) => void;
}): JSX.Element {
  usePulse();
  const { room, client, panel, show } = props;
  const viewer = room.self.role === "viewer";
  const sharing = room.screen.state === "live" || room.screen.state === "starting";
  const microphone = () => attempt(flip(room.microphone));
  const camera = () => attempt(flip(room.camera));
  const screen = () => attempt(sharing ? room.screen.stop() : room.screen.start());
  const people = () => show(panel === "people" ? undefined : "people");
  useShortcuts({ m: microphone, v: camera, s: screen, p: people });
  const hears = isOn(room.microphone);
  const sees = isOn(room.camera);
  return (
    <nav class="bar" aria-label="Call">
      <Key
        icon="microphone"
        label="Mic"
        does={hears ? "mute" : "unmute"}
        off={!hears}
        press={microphone}
        shortcut="m"
        disabled={viewer}
      />
      <Key
        icon="camera"
        label="Camera"
        does={sees ? "turn off" : "turn on"}
        off={!sees}
        press={camera}
        shortcut="v"
        disabled={viewer}
      />
      <Key
        icon="screen"
        label={sharing ? "Stop" : "Share"}
        on={sharing}
        press={screen}
        shortcut="s"
        disabled={viewer}
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
        press={() => void toggleServerCall(client, sees)}
      />
      <span class="split" />
      <Key icon="leave" label="Leave" className="leave" press={() => void leave()} />
    </nav>
  );
}

function Key(props: {
  icon: IconName;
  label: string;
  /** What pressing it does, where the label alone does not say. */
  does?: string;
  press: () => void;
  on?: boolean;
  off?: boolean;
  disabled?: boolean;
  className?: string;
  shortcut?: string;
  hint?: string;
}): JSX.Element {
  const name = props.does ? `${props.label}, ${props.does}` : props.label;
  const title = props.hint ?? (props.shortcut ? `${name} (${props.shortcut})` : name);
  return (
    <button
      type="button"
      class={`key ${props.on ? "on" : ""} ${props.off ? "off" : ""} ${props.className ?? ""}`}
      title={title}
      aria-label={name}
      aria-keyshortcuts={props.shortcut}
      disabled={props.disabled}
      onClick={props.press}
      data-key={props.icon}
    >
      <span class="face">
        <Icon name={props.icon} struck={props.off ?? false} />
      </span>
      {props.label}
    </button>
  );
}

function isOn(source: LocalSource): boolean {
  return source.state === "live" || source.state === "starting";
}

/** Off to live, live to muted, muted to live: what a person means by pressing the key. */
function flip(source: LocalSource): Promise<void> {
  if (isOn(source)) return source.mute();
  return source.state === "muted" ? source.unmute() : source.on();
}

function attempt(work: Promise<void>): void {
  work.catch((thrown: unknown) => {
    const error = toLodelineError(thrown);
    // A device's own notice says more, and closing the share dialog is no failure.
    if (!error.code.startsWith("device/")) notify(error.detail);
  });
}

function useShortcuts(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, textarea");
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      keys[event.key.toLowerCase()]?.();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}
