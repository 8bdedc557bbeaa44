import { LodelineError, toLodelineError } from "@lodeline/base";
import type { Candidate } from "@lodeline/protocol";
import type { PlanStep, SessionEffect, SessionInput, StepValue } from "@lodeline/session";
import type { Engine, EngineEvent } from "@lodeline/workers";

/** What a session on a transport is made of. */
export interface TransportSessionOptions {
  /** The session's id; the transport gets the same. */
  readonly id: string;
  /** What its media belongs together with: a room, or nothing but itself. */
  readonly room: string;
  readonly engine: Engine;
  /** Takes the session's inputs. */
  feed(input: SessionInput): void;
  /** Called with every answer, before the session hears of it: from then on its sections can be used. */
  answered(): void;
  /** Called at the first step of the way down: whatever uses the transport has to go. */
  ending(): void;
}

/**
 * Performs the effects of one answering `PeerSession` on one transport of the engine. It decides nothing: each effect is
 * a request, each answer an input. The server captures nothing itself, so most steps of the plans have nothing to do here.
 */
export class TransportSession {
  readonly #options: TransportSessionOptions;
  #opened = false;
  #closing: Promise<void> | undefined;
  #openChannels = 0;

  constructor(options: TransportSessionOptions) {
    this.#options = options;
  }

  /** Whether it has a transport: from the first step, when the engine is asked for it, to the close. */
  get isOpen(): boolean {
    return this.#opened && !this.#closing;
  }

  perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case "run":
        return this.#run(effect.plan, effect.step);
      case "undo":
        return this.#undo(effect.step);
      case "apply-offer":
        return this.#answer(effect.epoch, effect.offer.sdp);
      case "add-candidate":
        return this.#addCandidate(effect.epoch, effect.candidate);
      case "send":
      case "emit":
      case "create-offer":
      case "apply-answer":
        // The hub performs the first two itself, and the others are an offerer's.
        throw new Error(`bug: the effect ${effect.kind} of an answering session came to its transport`);
    }
  }

  /** The engine tells something of this session's transport. */
  heard(event: Extract<EngineEvent, { kind: "transport-state" | "channel" }>): void {
    const { id, feed } = this.#options;
    if (event.kind === "transport-state") feed({ kind: "transport", session: id, connection: event.connection });
    else this.#channelChanged(event.open);
  }

  /**
   * Frees whatever is left; ends when the engine has closed the transport. One that the engine is still making is closed
   * as soon as it is made.
   */
  close(): Promise<void> {
    this.#options.ending();
    this.#closing ??= this.#opened ? this.#closeTransport() : Promise.resolve();
    return this.#closing;
  }

  async #closeTransport(): Promise<void> {
    const { engine, id } = this.#options;
    try {
      await engine.ask({ kind: "close-transport", transport: id });
    } catch (thrown) {
      // What is gone with its engine is closed.
      if (toLodelineError(thrown).code !== "media/engine-lost") throw thrown;
    }
  }

  #run(plan: "start" | "stop", step: PlanStep): void {
    if (step === "create-connection") return this.#createConnection();
    if (step === "close-connection") return this.#closeConnection("stop", step);
    if (step === "disable-tracks") this.#options.ending();
    this.#done(plan, step);
  }

  #undo(step: PlanStep): void {
    if (step === "create-connection") this.#closeConnection("undo", step);
    else this.#done("undo", step);
  }

  #createConnection(): void {
    const { engine, id, room, feed } = this.#options;
    this.#opened = true;
    engine.ask({ kind: "open-transport", transport: id, room, data: "counted" }).then(
      () => this.#done("start", "create-connection", { owned: [{ kind: "connection", id, state: "new" }] }),
      (thrown: unknown) => {
        // An engine that is only slow may make it yet: nobody would close it then.
        this.close().catch(() => {});
        const error = toLodelineError(thrown, "media/bind-failed");
        feed({ kind: "step-failed", session: id, plan: "start", step: "create-connection", error, fatal: true });
      },
    );
  }

  #closeConnection(plan: "stop" | "undo", step: PlanStep): void {
    const { id, feed } = this.#options;
    this.close().then(
      () => this.#done(plan, step, { owned: [{ kind: "connection", id, state: "closed" }] }),
      (thrown: unknown) => {
        const error = toLodelineError(thrown, "media/closed");
        feed({ kind: "step-failed", session: id, plan, step, error, fatal: false });
      },
    );
  }

  #answer(epoch: number, offerSdp: string): void {
    const { id, engine, feed, answered } = this.#options;
    const failed = (thrown: unknown) => {
      const error = toLodelineError(thrown, "sdp/unusable");
      feed({ kind: "description-failed", session: id, epoch, error });
    };
    if (!this.isOpen) return failed(new LodelineError("media/closed"));
    engine.ask({ kind: "answer", transport: id, offerSdp }).then(({ sdp }) => {
      // Its session ended meanwhile: the transport is being closed, and nobody is to use its sections.
      if (!this.isOpen) return failed(new LodelineError("media/closed"));
      answered();
      feed({ kind: "answer-created", session: id, epoch, sdp });
    }, failed);
  }

  #addCandidate(epoch: number, { candidate, sdpMid, usernameFragment }: Candidate): void {
    const { id, engine, feed } = this.#options;
    if (!this.isOpen) return;
    // An empty line ends a generation (W3C RTCIceCandidateInit); the engine takes `null` for it.
    const given = candidate === "" ? null : { candidate, sdpMid, usernameFragment: usernameFragment ?? undefined };
    engine.ask({ kind: "add-candidate", transport: id, candidate: given }).catch((thrown: unknown) => {
      if (!this.isOpen) return;
      const error = toLodelineError(thrown, "candidate/refused");
      feed({ kind: "candidate-failed", session: id, epoch, error });
    });
  }

  #channelChanged(open: boolean): void {
    const { id, feed } = this.#options;
    this.#openChannels += open ? 1 : -1;
    if (open || this.#openChannels === 0) feed({ kind: "data", session: id, open });
  }

  #done(plan: "start" | "stop" | "undo", step: PlanStep, value?: StepValue): void {
    this.#options.feed({ kind: "step-done", session: this.#options.id, plan, step, value });
  }
}
