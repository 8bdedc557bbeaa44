import type { LodelineError, LogFields } from "@lodeline/base";
import type { HostCandidate } from "@lodeline/media";
import type { AnswerTo, EngineEvent, EngineRequest, PlainError } from "../engine/messages.ts";

/** What is said to an engine that is elsewhere. */
export type ToEngine =
  | { readonly kind: "ask"; readonly id: number; readonly request: EngineRequest }
  | { readonly kind: "announced"; readonly id: number; readonly as: HostCandidate }
  /** Close everything, say `closed`, and end. */
  | { readonly kind: "close" };

/** What an engine that is elsewhere says. */
export type FromEngine =
  /** First of all: which version of the interface it speaks. */
  | { readonly kind: "hello"; readonly version: number }
  | { readonly kind: "answer"; readonly id: number; readonly answer: AnswerTo<EngineRequest> }
  | { readonly kind: "refusal"; readonly id: number; readonly error: PlainError }
  | { readonly kind: "event"; readonly event: EngineEvent }
  /** A media socket is open: what are clients to be told instead of its address? */
  | { readonly kind: "announce"; readonly id: number; readonly socket: HostCandidate }
  | { readonly kind: "log"; readonly level: LogLevel; readonly event: string; readonly fields: LogFields | undefined }
  | { readonly kind: "closed" };

/** Levels of lines that cross; `trace` is per packet and stays where it is. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** Who takes what comes out of a port. */
export interface PortListener<In> {
  frame(frame: In): void;
  /** @param error - What is told of it, where it has a code of its own. Default: `media/engine-lost`. */
  closed(why: string, error?: LodelineError): void;
}

/** One end of something that carries frames in order, whole, each once: a MessagePort, or a link over a socket. */
export interface FramePort<Out, In> {
  post(frame: Out): void;
  /** Sets who takes what comes. Nothing comes before. */
  listen(listener: PortListener<In>): void;
  /** Lets go of it. `closed` is not told then. */
  close(): void;
}
