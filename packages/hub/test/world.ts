import { type Clock, type LodelineError, seededRandom, type Timer } from "@lodeline/base";
import {
  type Authorization,
  type Grants,
  Hub,
  type HubEvents,
  type HubImage,
  type HubOptions,
  type HubPorts,
  type MediaKey,
  type Recipient,
} from "@lodeline/hub";
import {
  type ClientMessage,
  DEFAULT_TIMERS,
  type Offer,
  parseServerFrame,
  type ServerMessage,
  type Signal,
  type SignalBody,
  type Source,
  type Sources,
} from "@lodeline/protocol";
import type { MediaOp } from "@lodeline/room";
import type { SessionEffect, SessionInput } from "@lodeline/session";
import { ClientLink } from "@lodeline/signaling";

/** Time that moves when told to. */
export class TestClock implements Clock {
  #now = 1000;
  #order = 0;
  readonly #armed: { at: number; order: number; fn: () => void }[] = [];

  get armed(): number {
    return this.#armed.length;
  }
  now() {
    return this.#now;
  }
  wall() {
    return 1_700_000_000_000 + this.#now;
  }
  at(at: number, fn: () => void): Timer {
    const entry = { at, order: this.#order++, fn };
    this.#armed.push(entry);
    const cancel = () => {
      const index = this.#armed.indexOf(entry);
      if (index >= 0) this.#armed.splice(index, 1);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }
  run(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      let next = this.#armed[0];
      for (const entry of this.#armed) {
        if (next && (entry.at < next.at || (entry.at === next.at && entry.order < next.order))) next = entry;
      }
      if (!next || next.at > until) break;
      this.#armed.splice(this.#armed.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = until;
  }
}

/** How long a text travels. */
const LATENCY_MS = 10;

type Served = { readonly key: string; feed(input: SessionInput): void; readonly effects: SessionEffect[] };

/** Performs sessions at once, or as a test says. */
export class FakeSessions {
  readonly served = new Map<string, Served>();
  readonly closed: string[] = [];
  /** What becomes of an offer: an answer, a refusal, or silence. */
  answer: (offer: Offer) => string | LodelineError | undefined = (offer) => `answer to ${offer.sdp}`;
  /** Steps that are never answered. */
  readonly stuck = new Set<string>();

  open(session: string, feed: (input: SessionInput) => void): void {
    this.served.set(session, { key: session, feed, effects: [] });
  }

  close(session: string): void {
    this.served.delete(session);
    this.closed.push(session);
  }

  perform(session: string, effect: SessionEffect): void {
    const served = this.served.get(session);
    if (!served) throw new Error(`no session ${session}`);
    served.effects.push(effect);
    if (effect.kind === "run") {
      const { plan, step } = effect;
      if (!this.stuck.has(step)) served.feed({ kind: "step-done", session, plan, step });
    } else if (effect.kind === "undo") {
      served.feed({ kind: "step-done", session, plan: "undo", step: effect.step });
    } else if (effect.kind === "apply-offer") {
      const { epoch, offer } = effect;
      const answer = this.answer(offer);
      if (answer === undefined) return;
      if (typeof answer === "string") served.feed({ kind: "answer-created", session, epoch, sdp: answer });
      else served.feed({ kind: "description-failed", session, epoch, error: answer });
    }
  }

  connect(session: string): void {
    this.served.get(session)?.feed({ kind: "transport", session, connection: "connected" });
  }

  effects(session: string): SessionEffect[] {
    return this.served.get(session)?.effects ?? [];
  }
}

export interface WorldOptions {
  readonly sfu?: boolean;
  readonly hub?: Partial<HubOptions>;
  readonly grants?: (identity: string) => Partial<Grants>;
  /** Tokens that are refused. */
  readonly refuse?: (token: string) => LodelineError | undefined;
  /** How long a token takes to check. */
  readonly authorizeMs?: number;
}

/** A hub with fake media, and clients with real links. */
export class World {
  readonly clock = new TestClock();
  readonly clients: Client[] = [];
  readonly #begin: (restore: HubImage | undefined) => Hub;
  hub: Hub;
  readonly media = new FakeSessions();
  readonly keys: MediaKey[] = [];
  readonly serverPeer = new FakeSessions();
  readonly ops: MediaOp[] = [];
  readonly events: { [Name in keyof HubEvents]: { name: Name; event: HubEvents[Name] } }[keyof HubEvents][] = [];
  /** Whether and when a message passes, both ways; `filter` is not asked then. */
  passes: HubPorts["intercept"];
  filter: ((to: Recipient, message: ServerMessage) => boolean) | undefined;
  authorized = 0;

  constructor(options: WorldOptions = {}) {
    const { clock } = this;
    const who = (token: string): Authorization | LodelineError =>
      options.refuse?.(token) ?? {
        identity: token,
        name: token.toUpperCase(),
        grants: { join: true, call: true, role: "speaker", ...options.grants?.(token) },
      };
    const ports: HubPorts = {
      authorization: {
        authorize: ({ token = "" }, done) => {
          this.authorized += 1;
          const { authorizeMs } = options;
          if (authorizeMs === undefined) done(who(token));
          else clock.at(clock.now() + authorizeMs, () => done(who(token)));
        },
      },
      ...(options.sfu === false
        ? {}
        : {
            media: {
              open: (key, feed) => {
                this.keys.push(key);
                this.media.open(key.session, feed);
              },
              perform: (key, effect) => this.media.perform(key.session, effect),
              close: (key) => this.media.close(key.session),
              operate: (_room, op) => this.ops.push(op),
            },
          }),
      serverPeer: this.serverPeer,
      iceServers: (identity) => [{ urls: [`turn:${identity}`] }],
      intercept: (passing, forward) => {
        const { who, direction, message } = passing;
        if (this.passes) return this.passes(passing, forward);
        if (direction === "to-server" || (this.filter?.(who, message) ?? true)) forward();
      },
    };
    let lives = 0;
    this.#begin = (restore) => new Hub({ clock, random: seededRandom(4 + lives++), ports, restore, ...options.hub });
    this.hub = this.#begin(undefined);
    const names = [
      "link",
      "refused",
      "room",
      "joined",
      "left",
      "event",
      "replay",
      "session",
      "call",
      "drained",
    ] as const;
    for (const name of names) this.hub.on(name, (event) => this.events.push({ name, event } as never));
  }

  client(token: string, seed = 1): Client {
    const client = new Client(this, token, seed);
    this.clients.push(client);
    return client;
  }

  /** The process of the hub dies; another one goes on `downMs` later. */
  restart(image: () => HubImage, downMs = 300): void {
    this.hub[Symbol.dispose]();
    const kept = image();
    for (const client of this.clients) {
      client.reachable = false;
      client.cut("never");
    }
    this.clock.run(downMs);
    this.hub = this.#begin(kept);
    for (const client of this.clients) client.reachable = true;
  }

  run(ms = 200): void {
    this.clock.run(ms);
  }

  eventsOf<Name extends keyof HubEvents>(name: Name): HubEvents[Name][] {
    return this.events.flatMap((one) => (one.name === name ? [one.event as HubEvents[Name]] : []));
  }
}

/** A client as the hub sees it: a real link on a simulated socket, and whatever a test says. */
export class Client {
  readonly link: ClientLink;
  readonly messages: ServerMessage[] = [];
  readonly states: string[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  readonly texts: string[] = [];
  refused: LodelineError | undefined;
  renewed = 0;
  /** While false, sockets cannot be opened. */
  reachable = true;
  readonly #world: World;
  #socket: { open: boolean; toHub: (text: string) => void; closed: (code: number) => void } | undefined;
  #timer: Timer | undefined;
  #commands = 0;

  constructor(world: World, token: string, seed: number) {
    this.#world = world;
    this.link = new ClientLink({
      timers: DEFAULT_TIMERS,
      random: seededRandom(seed * 31 + token.length * 7 + token.charCodeAt(0)),
      credentials: () => ({ token, name: token }),
    });
    this.link.open(world.clock.now());
    this.#drain();
  }

  send(message: ClientMessage): void {
    this.link.send(message, this.#world.clock.now());
    this.#drain();
  }

  /** Says a text on the socket as it is, past the link. */
  raw(text: string): void {
    this.#socket?.toHub(text);
  }

  join(room: string, options: JoinOptions = {}): string {
    const id = options.id ?? `${this.link.link ?? "new"}-${++this.#commands}`;
    this.send({
      type: "join",
      id,
      room,
      name: options.name ?? "",
      sources: sourcesOf(options.live ?? []),
      ...(options.topology === undefined ? {} : { topology: options.topology }),
      ...(options.rejoin === undefined ? {} : { rejoin: options.rejoin }),
      ...(options.session === undefined ? {} : { session: { session: options.session, offer: offerOf(options) } }),
    });
    return id;
  }

  signal(scope: "room" | "call", to: string, session: string, seq: number, body: SignalBody, epoch = 0): void {
    this.send({ type: "signal", scope, to, signal: { session, epoch, seq, body } });
  }

  /** Cuts the socket; the hub learns of it at once, after a while, or never. */
  cut(hubLearns: "at once" | "never" = "at once"): void {
    const socket = this.#socket;
    if (!socket) return;
    socket.open = false;
    this.#socket = undefined;
    if (hubLearns === "at once") socket.closed(1006);
    this.link.socketClosed(1006, this.#world.clock.now());
    this.#drain();
  }

  /** Gone without a word: the client does nothing any more. */
  vanish(hubLearns: "at once" | "never" = "at once"): void {
    this.#timer?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.open = false;
    if (hubLearns === "at once") socket.closed(1006);
  }

  close(): void {
    this.link.close("page-closed", this.#world.clock.now());
    this.#drain();
  }

  of<T extends ServerMessage["type"]>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.messages.filter((m): m is Extract<ServerMessage, { type: T }> => m.type === type);
  }

  get joined(): Extract<ServerMessage, { type: "joined" }> {
    const joined = this.of("joined").at(-1);
    if (!joined) throw new Error(`not joined: ${JSON.stringify(this.messages.map((m) => m.type))}`);
    return joined;
  }

  /** Signals said to this client: who, and what. */
  get heard(): { from: string; kind: string; reason?: string; session: string }[] {
    return this.of("signal").map(({ from, signal }) => ({
      from,
      session: signal.session,
      kind: signal.body.kind,
      ...("reason" in signal.body ? { reason: signal.body.reason } : {}),
    }));
  }

  signals(): Signal[] {
    return this.of("signal").map(({ signal }) => signal);
  }

  get errors(): { code: string; id?: string; field?: string }[] {
    return this.of("error").map(({ code, id, field }) => ({
      code,
      ...(id === undefined ? {} : { id }),
      ...(field === undefined ? {} : { field }),
    }));
  }

  #drain(): void {
    const { clock } = this.#world;
    for (let output = this.link.poll(); output; output = this.link.poll()) {
      if (output.kind === "open-socket") this.#open();
      else if (output.kind === "text") this.#socket?.toHub(output.text);
      else if (output.kind === "close-socket") {
        const socket = this.#socket;
        this.#socket = undefined;
        if (socket) {
          socket.open = false;
          clock.at(clock.now() + LATENCY_MS, () => socket.closed(1000));
        }
      } else if (output.kind === "message") this.messages.push(output.message);
      else if (output.kind === "state") this.states.push(output.state);
      else if (output.kind === "refused") this.refused = output.error;
      else if (output.kind === "renewed") this.renewed += 1;
    }
    this.#timer?.cancel();
    const due = this.link.deadline();
    if (due === undefined) return;
    this.#timer = clock.at(due, () => {
      this.link.tick(clock.now());
      this.#drain();
    });
  }

  #open(): void {
    const { clock } = this.#world;
    if (!this.reachable) {
      clock.at(clock.now() + 1, () => {
        this.link.socketClosed(1006, clock.now());
        this.#drain();
      });
      return;
    }
    const socket = { open: true, toHub: (_text: string) => {}, closed: (_code: number) => {} };
    this.#socket = socket;
    const here = () => socket.open && this.#socket === socket;
    clock.at(clock.now() + LATENCY_MS, () => {
      if (!here()) return;
      if (!this.reachable) return this.cut("never");
      const { hub } = this.#world;
      const connection = hub.connect({
        send: (text) => {
          // Clients read without the schemas: that what the hub says fits them is seen to here.
          if (!parseServerFrame(text).ok) throw new Error(`not of the protocol: ${text.slice(0, 300)}`);
          this.texts.push(text);
          clock.at(clock.now() + LATENCY_MS, () => {
            if (!here()) return;
            this.link.socketText(text, clock.now());
            this.#drain();
          });
        },
        close: (code, reason) => {
          this.closes.push({ code, reason });
          clock.at(clock.now() + LATENCY_MS, () => {
            connection.closed(code);
            if (!here()) return;
            this.#socket = undefined;
            this.link.socketClosed(code, clock.now());
            this.#drain();
          });
        },
      });
      // What is on the way to a hub that has died arrives nowhere.
      const lives = () => this.#world.hub === hub && this.reachable;
      socket.toHub = (text) => void clock.at(clock.now() + LATENCY_MS, () => lives() && connection.text(text));
      socket.closed = (code) => lives() && connection.closed(code);
      this.link.socketOpened(clock.now());
      this.#drain();
    });
  }
}

export interface JoinOptions {
  readonly id?: string;
  readonly name?: string;
  readonly topology?: "sfu" | "mesh";
  readonly live?: readonly Source[];
  readonly rejoin?: { participant: string; token: string };
  /** Id of an sfu session whose offer rides in the join. */
  readonly session?: string;
  readonly sdp?: string;
}

export function sourcesOf(live: readonly Source[]): Sources {
  const of = (source: Source) =>
    ({ intent: live.includes(source) ? "live" : "unpublished", mutedBy: null }) as Sources[Source];
  return {
    microphone: of("microphone"),
    camera: of("camera"),
    screen: of("screen"),
    "screen-audio": of("screen-audio"),
  };
}

export function offerOf({ sdp = "v=0", live = [] }: JoinOptions = {}): Offer {
  const receives = [
    { mid: "r0", kind: "audio" as const },
    { mid: "r1", kind: "video" as const },
    { mid: "r2", kind: "audio" as const },
    { mid: "r3", kind: "video" as const },
  ];
  return { sdp, sends: live.map((source, i) => ({ mid: `s${i}`, source })), receives };
}
