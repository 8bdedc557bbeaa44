import { effect } from "@preact/signals";
import { busy, silent } from "./busy.ts";
import { ringing } from "./calls.ts";

/** Two soft notes, and a long rest: it asks, it does not insist. */
const NOTES_HZ = [523.25, 659.25];
const NOTE_SECONDS = 0.9;
const REST_MS = 3200;
const LOUDNESS = 0.05;

/**
 * Rings while somebody calls, in one tab of all that ring. Where the browser keeps the page silent because nobody has
 * touched it yet, it stays silent: the card and the title say it as well.
 */
export function ringAloud(): void {
  let stop: (() => void) | undefined;
  effect(() => {
    const wanted = ringing.value.length > 0 && !silent.value && !busy.value;
    if (wanted && !stop) stop = begin();
    if (!wanted && stop) {
      stop();
      stop = undefined;
    }
  });
}

function begin(): () => void {
  const over = new AbortController();
  const ring = () =>
    new Promise<void>((resolve) => {
      const context = new AudioContext();
      const timer = setInterval(() => sound(context), REST_MS);
      sound(context);
      over.signal.addEventListener("abort", () => {
        clearInterval(timer);
        void context.close();
        resolve();
      });
    });
  // Held by the one tab that rings; the others wait for it and ring when it is closed.
  navigator.locks?.request("lodeline.ring", { signal: over.signal }, ring).catch(() => {});
  return () => over.abort();
}

function sound(context: AudioContext): void {
  if (context.state !== "running") return;
  NOTES_HZ.forEach((frequency, index) => {
    const begins = context.currentTime + index * 0.28;
    const tone = new OscillatorNode(context, { frequency, type: "sine" });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, begins);
    gain.gain.linearRampToValueAtTime(LOUDNESS, begins + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.0001, begins + NOTE_SECONDS);
    tone.connect(gain).connect(context.destination);
    tone.start(begins);
    tone.stop(begins + NOTE_SECONDS);
  });
}
