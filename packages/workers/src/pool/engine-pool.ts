import { type Clock, Emitter, type ListenOptions, LodelineError, type Logger, type Random } from "@lodeline/base";
import { withinDeadline } from "../engine/deadlines.ts";
import type { Engine, EngineEvents } from "../engine/engine.ts";
import type {
  AnswerTo,
  EngineAnswers,
  EngineEvent,
  EngineRequest,
  RelayRequest,
  RequestKind,
} from "../engine/messages.ts";
import type { Performers, Request } from "../engine/performers.ts";
import { type EngineMaker, Member } from "./member.ts";
import { chooseWorker } from "./placement.ts";
import { loadOfAll, socketsOfAll, statsOfAll } from "./pool-sums.ts";
import { type PlacedForwarder, type PlacedPublication, type PlacedTransport, PoolTable } from "./pool-table.ts";
import { Relays } from "./relays.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Options of {@link createEnginePool}. */
export interface EnginePoolOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the keys of trunks. Must be cryptographic outside tests. */
  readonly random: Random;
  /**
   * Transports of one room on one engine; more go on to the next, and publications are relayed. Default: no limit, a room
   * stays on one engine.
   */
  readonly roomLimit?: number | undefined;
  /** One maker for each engine; called again after a death. At least one. */
  readonly makers: readonly EngineMaker[];
}

type PoolKind = Exclude<RequestKind, RelayRequest["kind"]>;

const DONE = {};

/**
 * Many engines as one. A room is placed on the least busy and goes on to others when it is full there; an engine that dies is replaced, and what was on it is
 * told as closed, so that its sessions are made anew.
 */
export class EnginePool implements Engine {
  readonly #options: EnginePoolOptions;
  readonly #emitter = new Emitter<EngineEvents>();
  readonly #members: readonly Member[];
  readonly #started: Promise<unknown>;
  readonly #table: PoolTable;
  readonly #relays: Relays;
  readonly #waiting = new WaitingRoom();
  readonly #performers: Performers<PoolKind>;
  #closed = false;

  constructor(options: EnginePoolOptions) {
    const { clock, logger, makers } = options;
    this.#options = options;
    this.#relays = new Relays(options);
    this.#table = new PoolTable(({ id, publication, transport }) => {
      if (transport.member) this.#relays.leave(publication, transport.member, id);
    });
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
  get held() {
    const { transports, publications, forwarders } = this.#table;
    const { trunks, relays } = this.#relays.held;
    return {
      transports: transports.size,
      publications: publications.size,
      forwarders: forwarders.size,
      trunks,
      relays,
    };
  }

  on<Name extends keyof EngineEvents>(
    name: Name,
    listener: (event: EngineEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#emitter.on(name, listener, options);
  }

  ask<Request extends EngineRequest>(request: Request): Promise<AnswerTo<Request>> {
    const perform = (this.#performers as Partial<Performers>)[request.kind] as typeof notForPools | undefined;
    return withinDeadline(this.#options.clock, request.kind, this.#attempt(perform ?? notForPools, request)) as Promise<
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
      this.#relays.close();
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

  #makePerformers(): Performers<PoolKind> {
    const onTransport = <Kind extends RequestKind>(request: Request<Kind> & { readonly transport: string }) =>
      this.#askOn(this.#transport(request.transport), request);
    const onForwarder = async <Kind extends RequestKind>(request: Request<Kind> & { readonly forwarder: string }) => {
      const { transport, asked } = this.#forwarder(request.forwarder);
      if (asked) await asked;
      return await this.#askOn(transport, request);
    };
    return {
      ready: async () => {
        await this.#started;
        return await socketsOfAll(this.#members);
      },
      "open-transport": (request) => this.#openTransport(request),
      answer: onTransport,
      "add-candidate": onTransport,
      "close-transport": (request) => this.#closeTransport(request),
      publish: (request) => this.#publish(request),
      unpublish: (request) => this.#unpublish(request),
      "prefer-one": (request) => this.#preferOne(request),
      forward: (request) => this.#forward(request),
      unforward: (request) => this.#unforward(request),
      "set-view": onForwarder,
      "request-key-frame": onForwarder,
      "reset-forwarder": onForwarder,
      silence: onForwarder,
      "loop-back": onTransport,
      "send-data": onTransport,
      stats: (request) => statsOfAll(this.#members, request),
    };
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
    const chosen = chooseWorker(candidates, this.#options.roomLimit ?? Number.POSITIVE_INFINITY);
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
    this.#unpublished(id);
    this.#table.publications.set(id, { id, transport, loudest: request.loudest });
    return this.#askOn(transport, request);
  }

  async #unpublish(request: Request<"unpublish">): Promise<typeof DONE> {
    const known = this.#table.publications.get(request.publication);
    if (!known) return DONE;
    this.#unpublished(request.publication);
    return this.#askOn(known.transport, request);
  }

  #forward(request: Request<"forward">): Promise<EngineAnswers["forward"]> {
    const { forwarder: id, publication } = request;
    const transport = this.#transport(request.transport);
    const source = this.#table.publications.get(publication) ?? gone(`publication ${publication}`);
    this.#table.unforward(id);
    const forwarder: PlacedForwarder = { id, publication, transport };
    this.#table.forwarders.set(id, forwarder);
    if (transport.member && transport.member === source.transport.member) return this.#askOn(transport, request);
    const asked = this.#forwardAcross(forwarder, source, request);
    // What is asked of it meanwhile waits; it is told by the answer of this request.
    forwarder.asked = asked.catch(() => {});
    return asked.then(({ answer }) => answer);
  }

  /** One whose publication may be elsewhere: has it here first. */
  async #forwardAcross(forwarder: PlacedForwarder, source: PlacedPublication, request: Request<"forward">) {
    const [to, from] = await Promise.all([this.#memberOf(forwarder.transport), this.#memberOf(source.transport)]);
    const held = () => {
      if (this.#table.forwarders.get(forwarder.id) !== forwarder) throw closed(`forwarder ${forwarder.id}`);
    };
    held();
    if (from !== to) await this.#relays.use(source, from, to, forwarder.id);
    held();
    // Not awaited: whatever waits for the request to be asked may be asked next.
    return { answer: this.#askOn(forwarder.transport, request) };
  }

  #preferOne(request: Request<"prefer-one">): Promise<EngineAnswers["prefer-one"]> {
    const publication = this.#publication(request.publication);
    publication.one = request.one;
    this.#relays.preferOne(publication);
    return this.#askOn(publication.transport, request);
  }

  #unpublished(publication: string): void {
    this.#table.unpublish(publication);
    this.#relays.ended(publication);
  }

  async #unforward(request: Request<"unforward">): Promise<typeof DONE> {
    const known = this.#table.forwarders.get(request.forwarder);
    if (!known) return DONE;
    this.#table.unforward(request.forwarder);
    if (known.asked) await known.asked;
    return this.#askOn(known.transport, request);
  }

  /** Asks the engine that a transport is on, now or when it has one. */
  async #askOn<Request extends EngineRequest>(
    transport: PlacedTransport,
    request: Request,
  ): Promise<AnswerTo<Request>> {
    const { engine } = transport.member ?? (await this.#memberOf(transport));
    if (!engine) throw new LodelineError("media/engine-lost");
    return engine.ask(request);
  }

  async #memberOf(transport: PlacedTransport): Promise<Member> {
    const member = transport.member ?? (await this.#waiting.placeOf(transport));
    if (!member) throw closed(`transport ${transport.id}`);
    return member;
  }

  #heard(event: EngineEvent): void {
    if (event.kind === "layers-seen" || event.kind === "layers-needed") this.#relays.heard(event);
    else if (event.kind === "load") this.#emitter.emit("event", { kind: "load", load: loadOfAll(this.#members) });
    else this.#emitter.emit("event", event);
  }

  #lost(member: Member): void {
    this.#relays.lost(member);
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

/** Only the engines of a pool have trunks between each other. */
function notForPools(request: EngineRequest): unknown {
  throw new LodelineError("protocol/unknown-type", { detail: `A pool is not asked for "${request.kind}".` });
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
