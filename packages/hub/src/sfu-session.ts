import { type Clock, drive, type LodelineError, type Running } from "@lodeline/base";
import type { Offer, Signal, Timers } from "@lodeline/protocol";
import {
  createPeerSession,
  type SessionEffect,
  type SessionEvent,
  type SessionInput,
  type SessionState,
} from "@lodeline/session";
import type { SessionObserver } from "./hub-types.ts";
import type { MediaKey, MediaPort } from "./ports.ts";

/** Who the server's end of an sfu session is. */
export const SFU = "sfu";

/** What an {@link SfuSession} needs of its room. */
export interface SfuSessionOptions {
  readonly key: MediaKey;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly port: MediaPort;
  readonly observe?: SessionObserver | undefined;
  /** To the participant. */
  send(signal: Signal): void;
  /** An offer was answered: from now on its sections hold. Comes after the answer was sent. */
  answered(offer: Offer): void;
  /** An offer could not be used. Comes after its refusal was sent. */
  failed(error: LodelineError): void;
  transport(connection: Extract<SessionInput, { kind: "transport" }>["connection"]): void;
  event(event: SessionEvent): void;
  /** It has ended, its teardown is done, and nothing more comes. */
  over(): void;
}

/** The server's end of one participant's media session: the answerer, for ever. Its media is the port's. */
export class SfuSession implements Disposable {
  readonly key: MediaKey;
  readonly #options: SfuSessionOptions;
  readonly #running: Running<SessionState, SessionInput>;
  readonly #offers = new Map<number, Offer>();
  #over = false;

  constructor(options: SfuSessionOptions) {
    const { key, clock, timers, observe } = options;
    this.key = key;
    this.#options = options;
    const machine = createPeerSession({
      localId: SFU,
      remoteId: key.participant,
      use: "sfu",
      timers,
      dataChannel: false,
      captures: false,
    });
    this.#running = drive(machine, {
      clock,
      perform: (effect) => this.#perform(effect),
      observe: observe && ((previous, input, next) => observe(key.session, previous, input, next)),
    });
  }

  /** Begins it; the offer follows by {@link SfuSession.signal}. */
  begin(): void {
    this.#options.port.open(this.key, (input) => this.#fed(input));
    this.#running.feed({ kind: "assign", session: this.key.session, role: "answerer" });
  }

  get state(): SessionState {
    return this.#running.state;
  }

  /** Something the participant says to the server's end. */
  signal(signal: Signal): void {
    this.#running.feed({ kind: "signal", signal });
  }

  /** Ends it: the media is torn down, then `over` is told. */
  end(reason: Extract<SessionInput, { kind: "end" }>["reason"]): void {
    this.#running.feed({ kind: "end", reason });
  }

  /** Disarms its timer; for a hub that is dropped. */
  [Symbol.dispose](): void {
    this.#over = true;
    this.#running[Symbol.dispose]();
  }

  #fed(input: SessionInput): void {
    if (this.#over) return;
    this.#running.feed(input);
    if (input.kind === "transport") this.#options.transport(input.connection);
    else if (input.kind === "answer-created") this.#answered(input.epoch);
    else if (input.kind === "description-failed") this.#options.failed(input.error);
  }

  #answered(epoch: number): void {
    const offer = this.#offers.get(epoch);
    this.#offers.clear();
    if (offer) this.#options.answered(offer);
  }

  #perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#options.send(effect.signal);
      case "emit":
        return this.#emitted(effect.event);
      case "apply-offer":
        this.#offers.set(effect.epoch, effect.offer);
        return this.#options.port.perform(this.key, effect);
      default:
        return this.#options.port.perform(this.key, effect);
    }
  }

  #emitted(event: SessionEvent): void {
    this.#options.event(event);
    if (event.kind !== "ended" || this.#over) return;
    this.#over = true;
    this.#options.port.close(this.key);
    this.#running[Symbol.dispose]();
    this.#options.over();
  }
}
