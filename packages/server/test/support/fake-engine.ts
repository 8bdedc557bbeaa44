import { Emitter, LodelineError } from "@lodeline/base";
import type {
  AnswerTo,
  ConnectionState,
  Engine,
  EngineAnswers,
  EngineEvent,
  EngineEvents,
  EngineRequest,
} from "@lodeline/workers";

/** An engine in memory: every request is one line of `said`, every answer comes a turn later. */
export class FakeEngine implements Engine {
  readonly said: string[] = [];
  readonly transports = new Set<string>();
  readonly #emitter = new Emitter<EngineEvents>();
  #answers = 0;
  full = false;
  /** Answers wait for this, where it is set. */
  hold: Promise<void> | undefined;

  on<Name extends keyof EngineEvents>(name: Name, listener: (event: EngineEvents[Name]) => void): Disposable {
    return this.#emitter.on(name, listener);
  }

  tell(event: EngineEvent): void {
    this.#emitter.emit("event", event);
  }

  /** A transport's state changes. */
  become(transport: string, connection: ConnectionState): void {
    this.tell({ kind: "transport-state", transport, connection });
  }

  /** The client opens a channel, or closes it. */
  channel(transport: string, channel: number, open: boolean): void {
    this.tell({ kind: "channel", transport, channel, label: "lodeline", open });
  }

  async ask<Request extends EngineRequest>(request: Request): Promise<AnswerTo<Request>> {
    const answer = this.#perform(request);
    await this.hold;
    return answer as AnswerTo<Request>;
  }

  #perform(request: EngineRequest): EngineAnswers[EngineRequest["kind"]] {
    switch (request.kind) {
      case "open-transport":
        if (this.full) throw new LodelineError("media/bind-failed");
        this.transports.add(request.transport);
        return {};
      case "answer":
        if (request.offerSdp === "bad") throw new LodelineError("sdp/unusable", { field: "sdp:3", detail: "m=rumour" });
        this.#answers++;
        return { sdp: `answer ${this.#answers} to ${request.offerSdp}`, sections: [{ mid: "0", kind: "audio" }] };
      case "add-candidate":
        if (request.candidate?.candidate === "bad") throw new LodelineError("candidate/refused");
        return this.#say(`candidate ${JSON.stringify(request.candidate)}`);
      case "close-transport":
        if (!this.transports.delete(request.transport)) return {};
        this.become(request.transport, "closed");
        return this.#say(`close transport ${request.transport}`);
      case "publish":
        if (request.mid === "none") throw new LodelineError("media/unknown-section", { field: "mid" });
        return this.#say(`publish ${request.publication} ${request.media} on ${request.transport}/${request.mid}`);
      case "unpublish":
        return this.#say(`unpublish ${request.publication}`);
      case "prefer-one":
        return this.#say(`${request.one ? "one" : "all"} of ${request.publication}`);
      case "forward":
        if (request.mid === "none") throw new LodelineError("media/unknown-section", { field: "mid" });
        return this.#say(`forward ${request.forwarder} into ${request.transport}/${request.mid}`);
      case "unforward":
        return this.#say(`unforward ${request.forwarder}`);
      case "set-view":
        return this.#say(`view ${request.view.width}x${request.view.height} ${request.forwarder}`);
      case "request-key-frame":
        return this.#say(`key frame ${request.forwarder}`);
      case "reset-forwarder":
        return this.#say(`reset ${request.forwarder}`);
      case "silence":
        return this.#say(`silent for ${request.forMs} ${request.forwarder}`);
      case "loop-back":
        return this.#say(`loop back ${request.transport}`);
      case "ready":
        return { sockets: [] };
      case "stats":
        return { publications: [], forwarders: [] };
      case "carry":
        return { carried: { kind: "video", codecs: [], layers: [] }, layers: [] };
      case "open-trunk":
        return { socket: { address: "127.0.0.1", port: 1 } };
      default:
        return {};
    }
  }

  #say(line: string): Record<string, never> {
    this.said.push(line);
    return {};
  }

  async close(): Promise<void> {
    this.said.push("close engine");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What was said since the last time this was asked. */
  heard(): readonly string[] {
    return this.said.splice(0);
  }
}
