import { createId, createSecret, integer, type LodelineError, type Random, seededRandom, unit } from "@lodeline/base";
import { type ClientMessage, DEFAULT_TIMERS, type ServerMessage, type Timers } from "@lodeline/protocol";
import {
  ClientLink,
  type ClientLinkOutput,
  closeCodeOf,
  fatalText,
  readHello,
  ServerLink,
  type ServerLinkOutput,
  type ServerLinkState,
} from "@lodeline/signaling";

/** What may befall a frame, each with its probability. */
export interface Faults {
  readonly drop: number;
  readonly double: number;
  readonly reorder: number;
}

export const NO_FAULTS: Faults = { drop: 0, double: 0, reorder: 0 };

interface Socket {
  readonly id: number;
  clientOpen: boolean;
  serverOpen: boolean;
  link: ServerLink | undefined;
  /** The latest arrival in each direction: frames do not overtake each other unless a fault says so. */
  toServerAt: number;
  toClientAt: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  run(): void;
}

export const message = (n: number): ClientMessage => ({ type: "leave", id: `c${n}` });
export const told = (n: number): ServerMessage => ({ type: "ok", id: `s${n}` });

export interface WireOptions {
  readonly seed?: number;
  readonly timers?: Partial<Timers>;
  readonly latencyMs?: number;
  readonly rate?: { perSecond: number; burst: number } | null;
}

/** One client, one server, and a network between them that does what a test wants. All in virtual time. */
export class Wire {
  now = 0;
  faults: Faults = NO_FAULTS;
  readonly random: Random;
  readonly timers: Timers;
  readonly client: ClientLink;
  readonly links = new Map<string, { link: ServerLink; opening: string | undefined }>();
  /** The socket in use on the client's side. */
  socket: Socket | undefined;
  /** The second one, while there is one. */
  spare: Socket | undefined;
  readonly sockets: Socket[] = [];
  readonly clientOutputs: ClientLinkOutput[] = [];
  readonly serverOutputs: { link: string; output: ServerLinkOutput }[] = [];
  /** What arrived at the client since its last renewal, and at each server link. */
  atClient: ServerMessage[] = [];
  readonly atServer = new Map<string, ClientMessage[]>();
  readonly texts: { readonly to: "client" | "server"; readonly text: string; readonly at: number }[] = [];
  refuseHello: LodelineError | undefined;
  reachable = true;
  readonly #latencyMs: number;
  readonly #rate: WireOptions["rate"];
  readonly #events: Event[] = [];
  /** What the client takes for its socket: also one that was cut and of which it has not heard. */
  #current: Socket | undefined;
  #order = 0;

  constructor(options: WireOptions = {}) {
    this.random = seededRandom(options.seed ?? 1);
    this.timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#latencyMs = options.latencyMs ?? 10;
    this.#rate = options.rate === undefined ? null : options.rate;
    this.client = new ClientLink({
      timers: this.timers,
      random: this.random,
      credentials: () => ({ token: "t", name: "Ada" }),
      spare: true,
    });
  }

  /** The server link that the client's present socket is attached to. */
  get server(): ServerLink {
    const link = this.sockets.findLast((socket) => socket.link !== undefined)?.link;
    if (!link) throw new Error("no link yet");
    return link;
  }

  do(action: (client: ClientLink, now: number) => void): void {
    action(this.client, this.now);
    this.#drainClient();
  }

  serve(action: (link: ServerLink, now: number) => void): void {
    action(this.server, this.now);
    this.#drainServer(this.server);
  }

  open(): void {
    this.do((client, now) => client.open(now));
  }

  after(delayMs: number, run: () => void): void {
    this.#events.push({ at: this.now + delayMs, order: this.#order++, run });
  }

  /** Lets time pass: every event and deadline in order. */
  run(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const event = this.#firstEvent();
      const due = this.#firstDeadline();
      const next = Math.min(event?.at ?? Number.POSITIVE_INFINITY, due);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (event && event.at <= due) {
        this.#events.splice(this.#events.indexOf(event), 1);
        event.run();
      } else this.#tick();
    }
    this.now = until;
  }

  /** Cuts the socket in the middle: what is on its way is lost, each end learns of it after its own while, or never. */
  cut(clientLearnsMs: number | undefined, serverLearnsMs: number | undefined): void {
    const socket = this.socket;
    if (!socket) return;
    this.socket = undefined;
    socket.toClientAt = socket.toServerAt = Number.POSITIVE_INFINITY;
    const { clientOpen, serverOpen } = socket;
    if (clientLearnsMs !== undefined && clientOpen) {
      this.after(clientLearnsMs, () => this.#closeClientSide(socket, 1006));
    }
    if (serverLearnsMs !== undefined && serverOpen) this.after(serverLearnsMs, () => this.#closeServerSide(socket));
  }

  #firstEvent(): Event | undefined {
    let first: Event | undefined;
    for (const event of this.#events) {
      if (!first || event.at < first.at || (event.at === first.at && event.order < first.order)) first = event;
    }
    return first;
  }

  #firstDeadline(): number {
    let due = this.client.deadline() ?? Number.POSITIVE_INFINITY;
    for (const { link } of this.links.values()) due = Math.min(due, link.deadline() ?? Number.POSITIVE_INFINITY);
    return due;
  }

  #tick(): void {
    this.client.tick(this.now);
    this.#drainClient();
    for (const { link } of this.links.values()) {
      link.tick(this.now);
      this.#drainServer(link);
    }
  }

  #drainClient(): void {
    for (let output = this.client.poll(); output; output = this.client.poll()) {
      this.clientOutputs.push(output);
      if (output.kind === "open-socket") this.#openSocket();
      else if (output.kind === "text") this.#travel(this.socket, "server", output.text);
      else if (output.kind === "open-spare") this.#openSpare();
      else if (output.kind === "spare-text") this.#travel(this.spare, "server", output.text);
      else if (output.kind === "drop-spare") this.#dropSpare();
      else if (output.kind === "adopt-spare") this.#adoptSpare();
      else if (output.kind === "close-socket") this.#clientCloses();
      else if (output.kind === "renewed") this.atClient = [];
      else if (output.kind === "message") this.atClient.push(output.message);
    }
  }

  #openSocket(): void {
    this.socket = this.#newSocket();
    this.#current = this.socket;
  }

  #openSpare(): void {
    this.spare = this.#newSocket();
  }

  #dropSpare(): void {
    const { spare } = this;
    this.spare = undefined;
    if (!spare) return;
    spare.clientOpen = false;
    if (spare.toServerAt === Number.POSITIVE_INFINITY) return;
    this.after(Math.max(this.#latencyMs, spare.toServerAt - this.now), () => this.#closeServerSide(spare));
  }

  #adoptSpare(): void {
    this.socket = this.spare;
    this.#current = this.spare;
    this.spare = undefined;
  }

  #newSocket(): Socket {
    const socket: Socket = {
      id: this.sockets.length,
      clientOpen: true,
      serverOpen: true,
      link: undefined,
      toServerAt: 0,
      toClientAt: 0,
    };
    this.sockets.push(socket);
    if (!this.reachable) {
      this.after(1, () => this.#closeClientSide(socket, 1006));
      return socket;
    }
    this.after(2 * this.#latencyMs, () => {
      if (!socket.clientOpen) return;
      if (this.socket === socket) this.client.socketOpened(this.now);
      else if (this.spare === socket) this.client.spareOpened(this.now);
      this.#drainClient();
    });
    return socket;
  }

  #clientCloses(): void {
    const socket = this.#current;
    if (!socket) return;
    this.#current = undefined;
    socket.clientOpen = false;
    if (this.socket === socket) this.socket = undefined;
    // What was sent before still arrives.
    if (socket.toServerAt !== Number.POSITIVE_INFINITY) {
      this.after(Math.max(this.#latencyMs, socket.toServerAt - this.now), () => this.#closeServerSide(socket));
    }
  }

  #closeClientSide(socket: Socket, code: number): void {
    if (!socket.clientOpen) return;
    socket.clientOpen = false;
    if (this.spare === socket) {
      this.spare = undefined;
      this.client.spareClosed(this.now);
    } else if (this.#current === socket) {
      this.socket = undefined;
      this.client.socketClosed(code, this.now);
    }
    this.#drainClient();
  }

  #closeServerSide(socket: Socket): void {
    if (!socket.serverOpen) return;
    socket.serverOpen = false;
    if (!socket.link || !this.#isCurrent(socket)) return;
    socket.link.detach(this.now);
    this.#drainServer(socket.link);
  }

  #isCurrent(socket: Socket): boolean {
    return this.sockets.findLast((other) => other.link === socket.link) === socket;
  }

  #travel(socket: Socket | undefined, to: "client" | "server", text: string): void {
    this.texts.push({ to, text, at: this.now });
    if (!socket) return;
    if (unit(this.random) < this.faults.drop) return;
    const times = unit(this.random) < this.faults.double ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const early = unit(this.random) < this.faults.reorder;
      const key = to === "client" ? "toClientAt" : "toServerAt";
      const at = this.now + this.#latencyMs + integer(this.random, this.#latencyMs + 1);
      const arrival = early ? at : Math.max(at, socket[key]);
      if (socket[key] === Number.POSITIVE_INFINITY) return;
      socket[key] = Math.max(arrival, socket[key]);
      this.after(arrival - this.now, () => {
        if (socket[key] === Number.POSITIVE_INFINITY) return;
        if (to === "client") this.#arriveAtClient(socket, text);
        else this.#arriveAtServer(socket, text);
      });
    }
  }

  #arriveAtClient(socket: Socket, text: string): void {
    if (!socket.clientOpen) return;
    if (this.socket === socket) this.client.socketText(text, this.now);
    else if (this.spare === socket) this.client.spareText(text, this.now);
    this.#drainClient();
  }

  #arriveAtServer(socket: Socket, text: string): void {
    if (!socket.serverOpen) return;
    if (socket.link) {
      if (!this.#isCurrent(socket)) return;
      socket.link.text(text, this.now);
      this.#drainServer(socket.link);
      return;
    }
    const read = readHello(text);
    const refusal = read.ok ? this.refuseHello : read.error;
    if (refusal || !read.ok) {
      if (!refusal) return;
      this.#travel(socket, "client", fatalText(refusal));
      this.#serverCloses(socket, closeCodeOf(refusal.code));
      return;
    }
    const { hello, version } = read;
    const secret = hello.resume?.secret ?? hello.opening ?? "";
    const received = hello.resume?.received ?? 0;
    const link = this.#find(hello.resume?.link, secret, received) ?? this.#make(hello.opening);
    const earlier = this.sockets.findLast((other) => other.link === link);
    if (earlier) this.#serverCloses(earlier, 4409);
    socket.link = link;
    link.attach({ version, received, secret }, this.now);
    this.#drainServer(link);
  }

  #find(id: string | undefined, secret: string, received: number): ServerLink | undefined {
    for (const { link, opening } of this.links.values()) {
      const named = id === undefined ? opening === secret : link.id === id;
      if (named && link.canResume(secret, received)) return link;
    }
    return undefined;
  }

  #make(opening: string | undefined): ServerLink {
    const id = createId(this.random, "lk");
    const options = { id, identity: "ada", timers: this.timers, random: this.random, rate: this.#rate };
    const link = new ServerLink(options, this.now);
    this.links.set(id, { link, opening: opening ?? createSecret(this.random) });
    this.atServer.set(id, []);
    return link;
  }

  #drainServer(link: ServerLink): void {
    for (let output = link.poll(); output; output = link.poll()) {
      this.serverOutputs.push({ link: link.id, output });
      const socket = this.sockets.findLast((other) => other.link === link);
      if (output.kind === "text" && socket?.serverOpen) this.#travel(socket, "client", output.text);
      else if (output.kind === "close-socket" && socket) this.#serverCloses(socket, output.code);
      else if (output.kind === "message") this.atServer.get(link.id)?.push(output.message);
    }
  }

  #serverCloses(socket: Socket, code: number): void {
    if (!socket.serverOpen) return;
    socket.serverOpen = false;
    if (socket.toClientAt === Number.POSITIVE_INFINITY) return;
    this.after(Math.max(this.#latencyMs, socket.toClientAt - this.now), () => this.#closeClientSide(socket, code));
  }

  states(): string[] {
    return this.clientOutputs.flatMap((output) => (output.kind === "state" ? [output.state] : []));
  }

  serverStates(): ServerLinkState[] {
    return this.serverOutputs.flatMap(({ output }) => (output.kind === "state" ? [output.state] : []));
  }

  /** Ids of what arrived at the client's present link; errors, such as to a hello said twice, are left out. */
  idsAtClient(): string[] {
    return this.atClient.flatMap((m) => (m.type === "ok" ? [m.id] : []));
  }

  idsAtServer(): string[] {
    return (this.atServer.get(this.server.id) ?? []).map((m) => ("id" in m ? m.id : m.type));
  }
}
