import { type Clock, Emitter, type ListenOptions, LodelineError, type Logger } from "@lodeline/base";
import { withinDeadline } from "../engine/deadlines.ts";
import type { Engine, EngineEvents } from "../engine/engine.ts";
import type {
  AnswerTo,
  EngineAnswers,
  EngineEvent,
  EngineLoad,
  EngineRequest,
  RequestKind,
} from "../engine/messages.ts";
import { type EngineMaker, Member } from "./member.ts";
import { chooseWorker } from "./placement.ts";
import { type PlacedTransport, PoolTable } from "./pool-table.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Options of {@link createEnginePool}. */
export interface EnginePoolOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** One maker for each engine; called again after a death. At least one. */
  readonly makers: readonly EngineMaker[];
}

type Request<Kind extends RequestKind> = Extract<EngineRequest, { kind: Kind }>;
type Performers = {
  readonly [Kind in RequestKind]: (request: Request<Kind>) => EngineAnswers[Kind] | Promise<EngineAnswers[Kind]>;
};

const DONE = {};

/**
 * Many engines as one. Rooms are placed whole on the least busy; an engine that dies is replaced, and what was on it is
 * told as closed, so that its sessions are made anew.
 */
export class EnginePool implements Engine {
  readonly #options: EnginePoolOptions;
  readonly #emitter = new Emitter<EngineEvents>();
  readonly #members: readonly Member[];
  readonly #started: Promise<unknown>;
  readonly #table = new PoolTable();
  readonly #waiting = new WaitingRoom();
  readonly #performers: Performers;
  #closed = false;

  constructor(options: EnginePoolOptions) {
    const { clock, logger, makers } = options;
    this.#options = options;
    this.#members = makers.map((make, index) => {
      const member: Member = new Member({
        index,
        clock,
        logger,
        make,
        isBusy: () => this.#table.countOn(member) > 0,
        event: (event) => this.#heard(event),
        lost: () => this.#lost(member),
        up: () => this.#waiting.admit((transport) => this.#place(transport)),
      });
      return member;
    });
    this.#performers = this.#makePerformers();
    this.#started = Promise.all(this.#members.map((member) => member.start()));
    // Told to whoever asks for `ready`.
    this.#started.catch(() => {});
  }

  /** What is held now, for a leak test. */
  get held(): { readonly transports: number; readonly publications: number; readonly forwarders: number } {
    const { transports, publications, forwarders } = this.#table;
    return { transports: transports.size, publications: publications.size, forwarders: forwarders.size };
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
    return withinDeadline(this.#options.clock, request.kind, this.#attempt(perform, request)) as Promise<
      AnswerTo<Request>
    >;
  }

  /** Makes one engine die, as a crash would. For faults. @returns Whether there was one that can. */
  kill(index: number): boolean {
    return this.#members[index]?.kill() ?? false;
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#waiting.empty(closed("pool"));
    }
    // All of them, so that none is left open after another's failure.
    const ends = await Promise.allSettled(this.#members.map((member) => member.close()));
    this.#emitter.clear();
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #attempt(perform: (request: EngineRequest) => unknown, request: EngineRequest): Promise<unknown> {
    if (this.#closed) throw closed("pool");
    return await perform(request);
  }

  #makePerformers(): Performers {
    const onTransport = <Kind extends RequestKind>(request: Request<Kind> & { readonly transport: string }) =>
      this.#askOn(this.#transport(request.transport), request);
    const onForwarder = <Kind extends RequestKind>(request: Request<Kind> & { readonly forwarder: string }) =>
      this.#askOn(this.#forwarder(request.forwarder).transport, request);
    return {
      ready: () => this.#ready(),
      "open-transport": (request) => this.#openTransport(request),
      answer: onTransport,
      "add-candidate": onTransport,
      "close-transport": (request) => this.#closeTransport(request),
      publish: (request) => this.#publish(request),
      unpublish: (request) => this.#unpublish(request),
      "prefer-one": (request) => this.#askOn(this.#publication(request.publication).transport, request),
      forward: (request) => this.#forward(request),
      unforward: (request) => this.#unforward(request),
      "set-view": onForwarder,
      "request-key-frame": onForwarder,
      "reset-forwarder": onForwarder,
      silence: onForwarder,
      "loop-back": onTransport,
      "send-data": onTransport,
      stats: (request) => this.#stats(request),
    };
  }

  async #ready(): Promise<EngineAnswers["ready"]> {
    await this.#started;
    const answers = await Promise.all(this.#members.map(({ engine }) => engine?.ask({ kind: "ready" })));
    return { sockets: answers.flatMap((answer) => answer?.sockets ?? []) };
  }

  #openTransport(request: Request<"open-transport">): Promise<EngineAnswers["open-transport"]> {
    const { transport: id, room } = request;
    if (this.#table.transports.has(id)) {
      throw new LodelineError("protocol/out-of-turn", { field: "transport", detail: `The transport ${id} is open.` });
    }
    const transport: PlacedTransport = { id, room, member: undefined };
    if (!this.#place(transport)) void this.#waiting.enter(transport);
    this.#table.transports.set(id, transport);
    return this.#askOn(transport, request);
  }

  #place(transport: PlacedTransport): Member | undefined {
    const { room } = transport;
    const up = this.#members.filter(({ engine }) => engine);
    const candidates = up.map((member) => ({
      index: member.index,
      load: member.load,
      transports: this.#table.countOn(member),
      ofRoom: this.#table.countOf(member, room),
    }));
    const chosen = chooseWorker(candidates, Number.POSITIVE_INFINITY);
    const member = chosen && this.#members[chosen.index];
    if (!member) return undefined;
    this.#table.place(transport, member);
    member.placed();
    return member;
  }

  async #closeTransport(request: Request<"close-transport">): Promise<typeof DONE> {
    const transport = this.#table.transports.get(request.transport);
    if (!transport) return DONE;
    const { member } = transport;
    this.#table.forget(transport);
    this.#waiting.leave(transport, closed(`transport ${transport.id}`));
    return (await member?.engine?.ask(request)) ?? DONE;
  }

  #publish(request: Request<"publish">): Promise<EngineAnswers["publish"]> {
    const { publication: id } = request;
    const transport = this.#transport(request.transport);
    this.#table.unpublish(id);
    this.#table.publications.set(id, { id, transport });
    return this.#askOn(transport, request);
  }

  async #unpublish(request: Request<"unpublish">): Promise<typeof DONE> {
    const known = this.#table.publications.get(request.publication);
    if (!known) return DONE;
    this.#table.unpublish(request.publication);
    return this.#askOn(known.transport, request);
  }

  #forward(request: Request<"forward">): Promise<EngineAnswers["forward"]> {
    const { forwarder: id, publication } = request;
    const transport = this.#transport(request.transport);
    if (!this.#table.publications.has(publication)) throw closed(`publication ${publication}`);
    this.#table.forwarders.set(id, { id, publication, transport });
    return this.#askOn(transport, request);
  }

  async #unforward(request: Request<"unforward">): Promise<typeof DONE> {
    const known = this.#table.forwarders.get(request.forwarder);
    if (!known) return DONE;
    this.#table.forwarders.delete(request.forwarder);
    return this.#askOn(known.transport, request);
  }

  async #stats(request: Request<"stats">): Promise<EngineAnswers["stats"]> {
    const asked = this.#members.flatMap(({ engine }) => (engine ? [engine.ask(request)] : []));
    const answers = (await Promise.allSettled(asked)).flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    return {
      publications: answers.flatMap(({ publications }) => publications),
      forwarders: answers.flatMap(({ forwarders }) => forwarders),
    };
  }

  /** Asks the engine that a transport is on, now or when it has one. */
  async #askOn<Request extends EngineRequest>(
    transport: PlacedTransport,
    request: Request,
  ): Promise<AnswerTo<Request>> {
    const member = transport.member ?? (await this.#waiting.placeOf(transport));
    const engine = member?.engine;
    if (!engine) throw new LodelineError("media/engine-lost");
    return engine.ask(request);
  }

  #heard(event: EngineEvent): void {
    if (event.kind === "load") this.#emitter.emit("event", { kind: "load", load: this.#loadOfAll() });
    else this.#emitter.emit("event", event);
  }

  #loadOfAll(): EngineLoad {
    const loads = this.#members.flatMap(({ load }) => (load ? [load] : []));
    const sum = (of: (load: EngineLoad) => number) => loads.reduce((total, load) => total + of(load), 0);
    return {
      transports: sum(({ transports }) => transports),
      packetsPerSecond: sum(({ packetsPerSecond }) => packetsPerSecond),
      utilization: sum(({ utilization }) => utilization) / this.#members.length,
    };
  }

  #lost(member: Member): void {
    for (const transport of this.#table.transportsOn(member)) {
      this.#table.forget(transport);
      this.#emitter.emit("event", { kind: "transport-state", transport: transport.id, connection: "closed" });
    }
  }

  #transport(id: string): PlacedTransport {
    return this.#table.transports.get(id) ?? gone(`transport ${id}`);
  }

  #publication(id: string) {
    return this.#table.publications.get(id) ?? gone(`publication ${id}`);
  }

  #forwarder(id: string) {
    return this.#table.forwarders.get(id) ?? gone(`forwarder ${id}`);
  }
}

function closed(what: string): LodelineError {
  return new LodelineError("media/closed", { detail: `There is no ${what}, or no longer.` });
}

function gone(what: string): never {
  throw closed(what);
}

/**
 * Makes a pool and starts its engines; `ready` tells how that went.
 *
 * @returns The caller's to close.
 */
export function createEnginePool(options: EnginePoolOptions): EnginePool {
  return new EnginePool(options);
}
