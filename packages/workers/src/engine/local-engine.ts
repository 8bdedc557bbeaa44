import { type Clock, Emitter, type ListenOptions, LodelineError, type Timer } from "@lodeline/base";
import { createLoopbackPeer, createMediaEngine, type MediaEngine, type MediaEngineOptions } from "@lodeline/media";
import { ChannelTable } from "./channel-table.ts";
import { withinDeadline } from "./deadlines.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import { engineStats } from "./engine-stats.ts";
import { FLOW_POLL_MS, type FlowingIn, type FlowingOut, FlowWatch } from "./flow-watch.ts";
import { HeldMedia, type HeldTransport } from "./held-media.ts";
import { type Counting, LoadMeter, threadUtilization, type UtilizationMeter } from "./load-meter.ts";
import type { AnswerTo, EngineAnswers, EngineRequest } from "./messages.ts";
import type { Performers, Request } from "./performers.ts";
import { relayPerformers } from "./relay-performers.ts";

/** Options of {@link createLocalEngine}. */
export interface LocalEngineOptions extends MediaEngineOptions {
  /** How busy this thread is. Default: as measured. */
  readonly utilization?: UtilizationMeter | undefined;
}

const DONE = {};

/** The engine of this thread behind the message interface: every request is performed on a {@link MediaEngine}. */
export class LocalEngine implements Engine {
  readonly #options: LocalEngineOptions;
  readonly #media: MediaEngine;
  readonly #clock: Clock;
  readonly #emitter = new Emitter<EngineEvents>();
  readonly #held = new HeldMedia();
  readonly #channels = new ChannelTable((event) => this.#emitter.emit("event", event));
  readonly #flow = new FlowWatch();
  readonly #load: LoadMeter;
  readonly #performers: Performers;
  #timer: Timer | undefined;

  constructor(options: LocalEngineOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#media = createMediaEngine(options);
    this.#load = new LoadMeter(options.utilization ?? threadUtilization(), this.#clock.now());
    this.#performers = this.#makePerformers();
  }

  /** What is held now, for a leak test. */
  get resources() {
    return { ...this.#media.resources(), held: this.#held.size };
  }

  on<Name extends keyof EngineEvents>(
    name: Name,
    listener: (event: EngineEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#emitter.on(name, listener, options);
  }

  ask<Request extends EngineRequest>(request: Request): Promise<AnswerTo<Request>> {
    const perform = this.#performers[request.kind] as (request: EngineRequest) => unknown;
    // The performer begins before anything is awaited: requests are done in the order of their asking.
    const answer = attempt(perform, request) as Promise<AnswerTo<Request>>;
    return withinDeadline(this.#clock, request.kind, answer);
  }

  #makePerformers(): Performers {
    const { transports, publications, forwarders } = this.#held;
    const forwarder = (id: string) => this.#held.forwarder(id).forwarder;
    return {
      ready: async () => ({ sockets: (await this.#media.ready()).candidates }),
      "open-transport": (request) => this.#openTransport(request),
      answer: (request) => this.#answer(request),
      "add-candidate": async ({ transport, candidate }) => {
        await this.#held.transport(transport).transport.addCandidate(candidate);
        return DONE;
      },
      "close-transport": ({ transport }) => this.#closeTransport(transports.get(transport)),
      publish: (request) => this.#publish(request),
      unpublish: ({ publication }) => {
        publications.get(publication)?.publication.close();
        this.#held.sweep();
        return DONE;
      },
      "prefer-one": ({ publication: id, one }) => done(() => this.#held.publication(id).publication.preferOne(one)),
      forward: (request) => this.#forward(request),
      unforward: ({ forwarder: id }) => {
        forwarders.get(id)?.forwarder.close();
        forwarders.delete(id);
        return DONE;
      },
      "set-view": ({ forwarder: id, view }) => done(() => forwarder(id).setView(view)),
      "request-key-frame": ({ forwarder: id }) => done(() => forwarder(id).requestKeyFrame()),
      "reset-forwarder": ({ forwarder: id }) => done(() => forwarder(id).reset()),
      silence: ({ forwarder: id, forMs }) =>
        done(() => forwarder(id).silence(forMs === null ? Infinity : this.#clock.now() + forMs)),
      "loop-back": ({ transport }) => this.#loopBack(this.#held.transport(transport)),
      "send-data": ({ transport, channel, message }) => done(() => this.#channels.send(transport, channel, message)),
      stats: ({ room }) => engineStats(this.#held, room, this.#clock.now()),
      ...relayPerformers(this.#media, this.#held, this.#options, (event) => this.#emitter.emit("event", event)),
    };
  }

  #openTransport({ transport: id, room, data }: Request<"open-transport">): typeof DONE {
    if (this.#held.transports.has(id)) {
      throw new LodelineError("protocol/out-of-turn", { field: "transport", detail: `The transport ${id} is open.` });
    }
    const transport = this.#media.createTransport({ id });
    const held: HeldTransport = { id, room, data, transport, sections: [], loopback: undefined };
    this.#held.transports.set(id, held);
    transport.on("state", ({ connection }) =>
      this.#emitter.emit("event", { kind: "transport-state", transport: id, connection }),
    );
    transport.on("datachannel", (channel) => this.#channels.opened(held, channel));
    this.#wake();
    return DONE;
  }

  async #answer({ transport, offerSdp }: Request<"answer">): Promise<EngineAnswers["answer"]> {
    const held = this.#held.transport(transport);
    const { sdp, sections } = await held.transport.answer(offerSdp);
    held.sections = sections;
    return { sdp, sections: sections.map(({ mid, kind }) => ({ mid, kind })) };
  }

  async #closeTransport(held: HeldTransport | undefined): Promise<typeof DONE> {
    if (!held) return DONE;
    this.#held.transports.delete(held.id);
    held.loopback?.close();
    await held.transport.close();
    this.#channels.forget(held.id);
    this.#held.sweep();
    return DONE;
  }

  #publish({ publication: id, transport, mid, media: kind, loudest }: Request<"publish">): typeof DONE {
    const { transport: on, room } = this.#held.transport(transport);
    const publication = this.#media.publish({ id, transport: on, mid, kind, loudest });
    this.#held.publications.get(id)?.publication.close();
    this.#held.publications.set(id, { id, room, kind, publication });
    return DONE;
  }

  #forward({ forwarder: id, publication, transport, mid }: Request<"forward">): typeof DONE {
    const { publication: from, kind } = this.#held.publication(publication);
    const { transport: to, room } = this.#held.transport(transport);
    this.#held.forwarders.get(id)?.forwarder.close();
    const forwarder = this.#media.forward({ id, publication: from, transport: to, mid });
    this.#held.forwarders.set(id, { id, room, kind, forwarder });
    return DONE;
  }

  #loopBack(held: HeldTransport): typeof DONE {
    held.loopback?.close();
    held.loopback = createLoopbackPeer(this.#media, held.transport, held.sections);
    return DONE;
  }

  #wake(): void {
    this.#timer ??= this.#clock.at(this.#clock.now() + FLOW_POLL_MS, () => this.#look());
  }

  /** Says what has changed. It stops by itself when there is nothing left to look at. */
  #look(): void {
    this.#timer = undefined;
    this.#held.sweep();
    const now = this.#clock.now();
    const { transports, forwarders } = this.#held;
    const arriving = this.#held.arriving.map(({ id, kind, publication }): FlowingIn & Counting => {
      const { lastPacketAtMs: lastAtMs, packets, one, heldBack: held } = publication.stats();
      return { id, kind, lastAtMs, packets, one, held };
    });
    const leaving = [...forwarders.values()].map(({ id, kind, forwarder }): FlowingOut & Counting => {
      const { lastSentAtMs: lastAtMs, packets, layer: rid, reason, waiting, why } = forwarder.stats();
      const layer = reason && { ...(rid === undefined ? {} : { rid }), reason, waiting, why };
      return { id, kind, lastAtMs, packets, layer };
    });
    const flow = this.#flow.look(arriving, leaving, now);
    if (flow) this.#emitter.emit("event", flow);
    const load = this.#load.measure(transports.size, () => [...arriving, ...leaving], now);
    if (load) this.#emitter.emit("event", { kind: "load", load });
    if (this.#held.size > 0) this.#wake();
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { loopback } of this.#held.transports.values()) loopback?.close();
    await Promise.all([...this.#held.trunks.values()].map((trunk) => trunk.close()));
    await this.#media.close();
    this.#held.trunks.clear();
    this.#held.transports.clear();
    this.#held.sweep();
    this.#emitter.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function attempt(perform: (request: EngineRequest) => unknown, request: EngineRequest): Promise<unknown> {
  return await perform(request);
}

function done(act: () => void): typeof DONE {
  act();
  return DONE;
}

/**
 * Makes the engine of this thread. It opens nothing until `ready` or the first answer.
 *
 * @returns The caller's to close.
 */
export function createLocalEngine(options: LocalEngineOptions): LocalEngine {
  return new LocalEngine(options);
}
