import { signal } from "@preact/signals";

const BUSY = "lodeline.busy";
const SILENT = "lodeline.silent";

/** The person does not want to be called: callers read "busy". The same in every tab. */
export const busy = signal(read(BUSY));
/** Calls ring for the eyes alone. The same in every tab. */
export const silent = signal(read(SILENT));

/** Says whether one is busy. */
export function setBusy(yes: boolean): void {
  busy.value = yes;
  write(BUSY, yes);
}

/** Says whether calls ring aloud. */
export function setSilent(yes: boolean): void {
  silent.value = yes;
  write(SILENT, yes);
}

addEventListener("storage", ({ key }) => {
  if (key === BUSY) busy.value = read(BUSY);
  if (key === SILENT) silent.value = read(SILENT);
});

function read(key: string): boolean {
  try {
    return localStorage.getItem(key) === "yes";
  } catch {
    return false;
  }
}

function write(key: string, yes: boolean): void {
  try {
    if (yes) localStorage.setItem(key, "yes");
    else localStorage.removeItem(key);
  } catch {
    // It holds for this tab then.
  }
}
