/** What the person chose last, so that it need not be chosen again. */
export interface Preferences {
  readonly name: string;
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly microphoneId: string | undefined;
  readonly cameraId: string | undefined;
}

const KEY = "lodeline.preferences";
const DEFAULT: Preferences = {
  name: "",
  microphone: true,
  camera: true,
  microphoneId: undefined,
  cameraId: undefined,
};

/** Reads them; the defaults where nothing sensible is stored. */
export function loadPreferences(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return typeof stored === "object" && stored !== null ? { ...DEFAULT, ...stored } : DEFAULT;
  } catch {
    // Storage may be blocked or hold something else: the person chooses anew.
    return DEFAULT;
  }
}

/** Keeps them on this device. */
export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Private windows may refuse storage; nothing depends on it.
  }
}

const inside = (room: string) => `lodeline.inside:${room}`;

/** Whether this tab was inside the room when it was reloaded: then it goes straight back in. */
export function wasInside(room: string): boolean {
  return sessionStorage.getItem(inside(room)) === "yes";
}

/** Remembers, for this tab alone, that it is inside a room, or no longer. */
export function setInside(room: string, yes: boolean): void {
  if (yes) sessionStorage.setItem(inside(room), "yes");
  else sessionStorage.removeItem(inside(room));
}

const made = (room: string) => `lodeline.made:${room}`;

/** Remembers that the room was made in this browser: who made it moderates it, where the server lets them. */
export function setMade(room: string): void {
  try {
    localStorage.setItem(made(room), "yes");
  } catch {
    // Then they are one of the others.
  }
}

/** Whether {@link setMade} was said of the room. */
export function hasMade(room: string): boolean {
  try {
    return localStorage.getItem(made(room)) === "yes";
  } catch {
    return false;
  }
}
