import type { FramePort, FromEngine, ToEngine } from "../../src/link/frames.ts";

interface End<In> {
  listener: { frame(frame: In): void; closed(why: string): void } | undefined;
  readonly early: In[];
}

/** Two ports joined in memory: each frame arrives a turn later, cloned, in order. */
export function framePair(): {
  readonly control: FramePort<ToEngine, FromEngine>;
  readonly engine: FramePort<FromEngine, ToEngine>;
  /** Cuts the wire: both ends are told. */
  cut(why: string): void;
} {
  const toControl: End<FromEngine> = { listener: undefined, early: [] };
  const toEngine: End<ToEngine> = { listener: undefined, early: [] };
  const end = <Out, In>(own: End<In>, other: End<Out>): FramePort<Out, In> => ({
    post: (frame) => {
      const copy = structuredClone(frame);
      queueMicrotask(() => (other.listener ? other.listener.frame(copy) : other.early.push(copy)));
    },
    listen: (listener) => {
      own.listener = listener;
      for (const frame of own.early.splice(0)) listener.frame(frame);
    },
    close: () => {
      own.listener = { frame: () => {}, closed: () => {} };
    },
  });
  return {
    control: end(toControl, toEngine),
    engine: end(toEngine, toControl),
    cut: (why) => {
      toControl.listener?.closed(why);
      toEngine.listener?.closed(why);
    },
  };
}
