import { useState } from "preact/hooks";
import { loadPreferences, type Preferences, savePreferences } from "./preferences.ts";

/** What the person wants to bring, as chosen last, and how it is changed; what is changed is kept. */
export function useWish(): [wish: Preferences, change: (part: Partial<Preferences>) => void] {
  const [wish, setWish] = useState<Preferences>(loadPreferences);
  const change = (part: Partial<Preferences>) => {
    const next = { ...wish, ...part };
    setWish(next);
    savePreferences(next);
  };
  return [wish, change];
}
