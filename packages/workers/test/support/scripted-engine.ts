import { Emitter, type LodelineError } from "@lodeline/base";
import type { Engine, EngineEvents } from "../../src/engine/engine.ts";
import type { AnswerTo, EngineAnswers, EngineEvent, EngineRequest } from "../../src/engine/messages.ts";

const ANSWERS: Partial<EngineAnswers> = {
  ready: { sockets: [] },
  stats: { publications: [], forwarders: [] },
  "open-trunk": { socket: { address: "127.0.0.1", port: 4_000 } },
  carry: { carried: { kind: "video", codecs: [], layers: [] }, layers: [] },
};

/** An engine for tests: keeps what it was asked, answers as told, and dies when told. */
export class ScriptedEngine implements Engine {
  readonly asked: EngineRequest[] = [];
  readonly #emitter = new Emitter<EngineEvents>();
  closed = false;
  /** What every later request is answered with; by default at once and well. */
  answer: (request: EngineRequest) => Promise<EngineAnswers[EngineRequest["kind"]]> = async (request) =>
    ANSWERS[request.kind] ?? {};

  on<Name extends keyof EngineEvents>(name: Name, listener: (event: EngineEvents[Name]) => void): Disposable {
    return this.#emitter.on(name, listener);
  }

  ask<Request extends EngineRequest>(request: Request): Promise<AnswerTo<Request>> {
    this.asked.push(request);
    return this.answer(request) as Promise<AnswerTo<Request>>;
  }

  tell(event: EngineEvent): void {
    this.#emitter.emit("event", event);
  }

  /** It is gone. */
  die(error: LodelineError): void {
    this.#emitter.emit("lost", error);
  }

  /** What was asked since the last time, as `kind id`, without what every engine is asked. */
  heard(): string[] {
    return this.asked.splice(0).flatMap((request) => {
      if (request.kind === "ready" || request.kind === "stats") return [];
      if ("relay" in request) return [`${request.kind} ${request.relay}`];
      if ("trunk" in request) return [request.kind];
      const id =
        "forwarder" in request ? request.forwarder : "publication" in request ? request.publication : request.transport;
      return [`${request.kind} ${id}`];
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Lets promises that are settled be acted upon. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}
