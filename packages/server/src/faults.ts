import { type Clock, LodelineError } from "@lodeline/base";
import {
  type Fault,
  FaultDesk,
  type FaultPerformer,
  has,
  MessageFaults,
  type MessageTrace,
  numberOf,
  type RunningFault,
  textOf,
} from "@lodeline/chaos";
import type { HubPorts } from "@lodeline/hub";
import type { Faults } from "./lodeline-server.ts";

/** Which packets to lose. */
export interface SilenceFault {
  /** `<publication>><receiver>`. */
  readonly subscription: string;
  /** For how long, from now; `Infinity` until it is told 0. */
  readonly forMs: number;
}

/** The answer to a request gets this long to leave before the thread stops. */
const BEFORE_FREEZE_MS = 20;
/** How long a server that was killed stays away by default. */
const DOWN_MS = 500;

/** What faults of this server are made of. */
export interface ServerFaultsOptions {
  readonly clock: Clock;
  silence(fault: SilenceFault): void;
  /** Makes a media worker die. @returns Whether there is one of this number. */
  killWorker(worker: number): boolean;
  /** Ends the server without a word and starts it again; absent: `server:kill` is refused. */
  readonly kill?: ((downMs: number) => void) | undefined;
}

/** The faults of one server: the desk that starts them, and the hook that messages pass. */
export class ServerFaults {
  readonly desk: FaultDesk;
  readonly #messages: MessageFaults;
  readonly #options: ServerFaultsOptions;
  readonly #performers: Record<string, FaultPerformer>;

  constructor(options: ServerFaultsOptions) {
    this.#options = options;
    this.#messages = new MessageFaults(options.clock);
    this.#performers = {
      msg: (fault, over) => this.#messages.add(fault, over),
      silence: (fault) => this.#silence(fault),
      media: (fault, over) => this.#media(fault, over),
      server: (fault, over) => this.#server(fault, over),
    };
    this.desk = new FaultDesk({ clock: options.clock, performers: this.#performers });
  }

  /** As `LodelineServer.faults`. */
  get api(): Faults {
    const { desk, trace } = this;
    return {
      start: (spec) => desk.start(spec),
      stop: (id) => desk.stop(id),
      stopAll: () => desk.stopAll(),
      get active() {
        return desk.active;
      },
      counters: (id) => desk.counters(id),
      trace,
    };
  }

  /** Every message of every link, both ways. */
  get trace(): MessageTrace {
    return this.#messages.trace;
  }

  /** Something else that this server can do from now on. */
  perform(name: string, performer: FaultPerformer): void {
    this.#performers[name] = performer;
  }

  /** As the hub's port of this name. */
  readonly intercept: NonNullable<HubPorts["intercept"]> = (passing, forward) =>
    this.#messages.intercept(passing, forward);

  #silence(fault: Fault): RunningFault {
    const subscription = textOf(fault, "subscription") ?? "";
    this.#options.silence({ subscription, forMs: fault.forMs ?? Number.POSITIVE_INFINITY });
    return { stop: () => this.#options.silence({ subscription, forMs: 0 }), counters: () => ({}) };
  }

  #media(fault: Fault, over: () => void): RunningFault {
    const worker = numberOf(fault, "worker") ?? 0;
    if (!this.#options.killWorker(worker)) {
      const detail = `This server has no media worker ${worker}.`;
      throw new LodelineError("config/invalid", { field: "fault", detail });
    }
    const { clock } = this.#options;
    const timer = clock.at(clock.now(), over);
    return { stop: () => timer.cancel(), counters: () => ({}) };
  }

  #server(fault: Fault, over: () => void): RunningFault {
    const { clock, kill } = this.#options;
    const freezeMs = numberOf(fault, "freeze") ?? 0;
    const act = () => {
      over();
      if (has(fault, "kill")) kill?.(numberOf(fault, "down") ?? DOWN_MS);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, freezeMs);
    };
    if (has(fault, "kill") && !kill) {
      const detail = "Only `lodeline dev` can kill its server and start it again.";
      throw new LodelineError("config/invalid", { field: "fault", detail });
    }
    const timer = clock.at(clock.now() + BEFORE_FREEZE_MS, act);
    return { stop: () => timer.cancel(), counters: () => ({}) };
  }
}
