import { toLodelineError } from "@lodeline/base";
import type { LocalSource } from "@lodeline/client";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { notify } from "../state/notices.ts";
import { usePulse } from "../state/pulse.ts";
import { Icon, type IconName } from "./icon.tsx";

/** A key of the bar: a face with an icon and the word under it. A key that cannot be pressed says why. */
export function Key(props: {
  icon: IconName;
  label: string;
  /** What pressing it does, where the label alone does not say. */
  does?: string | undefined;
  press: () => void;
  on?: boolean;
  off?: boolean;
  /** Why it cannot be pressed; `undefined`: it can. */
  barred?: string | undefined;
  className?: string;
  shortcut?: string;
  hint?: string;
  /** Names the key for tests, where the icon is not enough. */
  id?: string;
}): JSX.Element {
  const name = props.does ? `${props.label}, ${props.does}` : props.label;
  const title = props.barred ?? props.hint ?? (props.shortcut ? `${name} (${props.shortcut})` : name);
  return (
    <button
      type="button"
      class={`key ${props.on ? "on" : ""} ${props.off ? "off" : ""} ${props.className ?? ""}`}
      title={title}
      aria-label={props.barred ? `${name}. ${props.barred}` : name}
      aria-keyshortcuts={props.shortcut}
      // It stays in the order of Tab, so that whoever cannot see the title hears the reason.
      aria-disabled={props.barred !== undefined}
      onClick={props.barred === undefined ? props.press : () => notify(props.barred ?? "")}
      data-key={props.id ?? props.icon}
    >
      <span class="face">
        <Icon name={props.icon} struck={props.off ?? false} />
      </span>
      {props.label}
    </button>
  );
}

/** The keys of one's own microphone and camera, and what they do when pressed. */
export function OwnKeys(props: {
  microphone: LocalSource;
  camera: LocalSource;
  /** Why a source cannot be used, each for itself. */
  barred?: { readonly microphone?: string | undefined; readonly camera?: string | undefined };
}): JSX.Element {
  usePulse();
  const { microphone, camera, barred = {} } = props;
  const press = (source: LocalSource, why: string | undefined) => (why ? notify(why) : attempt(flip(source)));
  useShortcuts({
    m: () => press(microphone, barred.microphone),
    v: () => press(camera, barred.camera),
  });
  const hears = isOn(microphone);
  const sees = isOn(camera);
  return (
    <>
      <Key
        icon="microphone"
        label="Mic"
        does={hears ? "mute" : "unmute"}
        off={!hears && barred.microphone === undefined}
        press={() => attempt(flip(microphone))}
        shortcut="m"
        barred={barred.microphone}
      />
      <Key
        icon="camera"
        label="Camera"
        does={sees ? "turn off" : "turn on"}
        off={!sees && barred.camera === undefined}
        press={() => attempt(flip(camera))}
        shortcut="v"
        barred={barred.camera}
      />
    </>
  );
}

/** Whether others should have this source. */
export function isOn(source: LocalSource): boolean {
  return source.state === "live" || source.state === "starting";
}

/** Off to live, live to muted, muted to live: what a person means by pressing the key. */
function flip(source: LocalSource): Promise<void> {
  if (isOn(source)) return source.mute();
  return source.state === "muted" ? source.unmute() : source.on();
}

/** Tells the person when something could not be done. */
export function attempt(work: Promise<unknown>): void {
  work.catch((thrown: unknown) => {
    const error = toLodelineError(thrown);
    // A device's own notice says more, and closing the share dialog is no failure.
    if (!error.code.startsWith("device/")) notify(error.detail);
  });
}

/** Single letters do what keys do, unless somebody is typing or a dialog is open. */
export function useShortcuts(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, textarea, dialog");
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      keys[event.key.toLowerCase()]?.();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}
