import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

const BARS = 5;

/** Five bars that move with a stream's sound: enough to see that the microphone hears you. */
export function LevelMeter({ stream }: { stream: MediaStream | undefined }): JSX.Element | null {
  const [lit, setLit] = useState(0);
  const heard = (stream?.getAudioTracks().length ?? 0) > 0;
  useEffect(() => (stream && heard ? meter(stream, setLit) : undefined), [stream, heard]);
  if (!heard) return null;
  return (
    <span class="level" aria-hidden="true">
      {Array.from({ length: BARS }, (_, bar) => (
        <i key={bar} class={bar < lit ? "lit" : ""} />
      ))}
    </span>
  );
}

function meter(stream: MediaStream, tell: (bars: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    // The square root spreads quiet speech over the lower bars.
    tell(Math.min(BARS, Math.round(Math.sqrt(loudest) * BARS)));
  }, 90);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}
