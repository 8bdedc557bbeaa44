import { LodelineError, type MonoMs } from "@lodeline/base";
import type {
  CandidatePart,
  ChannelPart,
  ConnectionState,
  EnginePart,
  ForwarderPart,
  PublicationPart,
  TransportPart,
} from "../../src/media/engine-port.ts";

/** A transport that does what it is told and remembers it. */
export class FakeTransport implements TransportPart {
  readonly id: string;
  readonly candidates: (CandidatePart | null)[] = [];
  readonly #said: string[];
  readonly #state: ((state: { connection: ConnectionState }) => void)[] = [];
  readonly #channel: ((channel: ChannelPart) => void)[] = [];
  state: { connection: ConnectionState } = { connection: "new" };
  answers = 0;

  constructor(id: string, said: string[]) {
    this.id = id;
    this.#said = said;
  }

  async answer(offerSdp: string) {
    if (offerSdp === "bad") throw new LodelineError("sdp/unusable", { field: "sdp:3", detail: "m=rumour" });
    this.answers++;
    return { sdp: `answer ${this.answers} to ${offerSdp}`, sections: [{ mid: "0", kind: "audio" as const }] };
  }

  async addCandidate(candidate: CandidatePart | null): Promise<void> {
    if (candidate?.candidate === "bad") throw new LodelineError("candidate/refused");
    this.candidates.push(candidate);
  }

  on(name: "state" | "datachannel", listener: (event: never) => void): Disposable {
    (name === "state" ? this.#state : this.#channel).push(listener as never);
    return { [Symbol.dispose]: () => {} };
  }

  /** The transport's state changes. */
  become(connection: ConnectionState): void {
    this.state = { connection };
    for (const listener of this.#state) listener(this.state);
  }

  /** The client opens a channel; the result closes it. */
  openChannel(): () => void {
    let close = () => {};
    const channel: ChannelPart = {
      on: (_name, listener) => {
        close = listener;
        return { [Symbol.dispose]: () => {} };
      },
    };
    for (const listener of this.#channel) listener(channel);
    return () => close();
  }

  async close(): Promise<void> {
    if (this.state.connection === "closed") return;
    this.#said.push(`close transport ${this.id}`);
    this.become("closed");
  }
}

/** An engine in memory: every call is one line of `said`. */
export class FakeEngine implements EnginePart {
  readonly said: string[] = [];
  readonly transports = new Map<string, FakeTransport>();
  readonly lastPacketAtMs = new Map<string, MonoMs>();
  readonly lastSentAtMs = new Map<string, MonoMs>();
  full = false;

  createTransport({ id }: { readonly id: string }): FakeTransport {
    if (this.full) throw new LodelineError("media/bind-failed");
    const transport = new FakeTransport(id, this.said);
    this.transports.set(id, transport);
    return transport;
  }

  publish(options: { id: string; transport: TransportPart; mid: string; kind: "audio" | "video" }): PublicationPart {
    const { id, mid, kind } = options;
    if (mid === "none") throw new LodelineError("media/unknown-section", { field: "mid" });
    this.said.push(`publish ${id} ${kind} on ${(options.transport as FakeTransport).id}/${mid}`);
    return {
      stats: () => ({ lastPacketAtMs: this.lastPacketAtMs.get(id) }),
      close: () => void this.said.push(`unpublish ${id}`),
    };
  }

  forward(options: { id: string; publication: PublicationPart; transport: TransportPart; mid: string }): ForwarderPart {
    const { id, mid } = options;
    const say = (what: string) => void this.said.push(`${what} ${id}`);
    this.said.push(`forward ${id} into ${(options.transport as FakeTransport).id}/${mid}`);
    return {
      setView: ({ width, height }) => say(`view ${width}x${height}`),
      requestKeyFrame: () => say("key frame"),
      reset: () => say("reset"),
      silence: (untilMs) => say(`silent until ${untilMs}`),
      stats: () => ({ lastSentAtMs: this.lastSentAtMs.get(id) }),
      close: () => say("unforward"),
    };
  }

  async close(): Promise<void> {
    this.said.push("close engine");
  }

  /** What was said since the last time this was asked. */
  heard(): readonly string[] {
    return this.said.splice(0);
  }
}
