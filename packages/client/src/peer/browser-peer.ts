import { LodelineError, type Logger, toLodelineError } from "@lodeline/base";
import type { PeerDriver, PeerEffect, PeerSpec } from "@lodeline/participant";
import type { Slots, Source } from "@lodeline/protocol";
import type { PlanName, PlanStep, SessionInput } from "@lodeline/session";
import { candidateOf } from "./candidate.ts";
import { answerTo, applyAnswer, makeOffer } from "./descriptions.ts";
import { isFatal, type Perform, RUN, type StepContext, UNDO } from "./plan-steps.ts";
import { SessionConnection, type SessionConnectionOptions } from "./session-connection.ts";

/** What a {@link BrowserPeer} needs of its surroundings. */
export interface BrowserPeerOptions {
  readonly spec: PeerSpec;
  readonly feed: (input: SessionInput) => void;
  readonly logger: Logger;
  /** What the connection is made of; read when it is made. */
  connectionOptions(): Omit<SessionConnectionOptions, "session" | "sfu" | "listener">;
  /** What the steps need; read at each step. */
  stepContext(): StepContext;
  /** The connection was made, connected or closed, or its sections changed. */
  changed(peer: BrowserPeer): void;
  /** Something came in on the data channel. */
  message(data: string | ArrayBuffer): void;
}

/** Performs the effects of one session on a real peer connection. */
export class BrowserPeer implements PeerDriver {
  readonly spec: PeerSpec;
  readonly #options: BrowserPeerOptions;
  #connection: SessionConnection | undefined;
  #closed = false;
  /** Descriptions and candidates, one after the other, in the order in which they were asked for. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: BrowserPeerOptions) {
    this.spec = options.spec;
    this.#options = options;
  }

  /** What the session holds; `undefined` before its first step. Stays readable after the end, for the receipt. */
  get connection(): SessionConnection | undefined {
    return this.#connection;
  }

  perform(effect: PeerEffect): void {
    switch (effect.kind) {
      case "run":
        return void this.#step(effect.plan, effect.step, RUN[effect.step]);
      case "undo":
        return void this.#step("undo", effect.step, UNDO[effect.step]);
      case "create-offer":
        return this.#describe(effect.epoch, async (connection) => {
          const offer = await makeOffer(connection, effect.epoch, effect.iceRestart);
          return { kind: "offer-created", session: effect.session, epoch: effect.epoch, offer };
        });
      case "apply-offer":
        return this.#describe(effect.epoch, async (connection) => {
          const sdp = await answerTo(connection, effect.epoch, effect.offer);
          return { kind: "answer-created", session: effect.session, epoch: effect.epoch, sdp };
        });
      case "apply-answer":
        return this.#describe(effect.epoch, async (connection) => {
          await applyAnswer(connection, effect.sdp);
          return { kind: "answer-applied", session: effect.session, epoch: effect.epoch };
        });
      case "add-candidate":
        return this.#addCandidate(effect);
    }
  }

  republish(source: Source): void {
    void this.#connection?.republish(source);
  }

  growSlots(audio: number, video: number): void {
    this.#connection?.sections.growSlots("audio", audio);
    this.#connection?.sections.growSlots("video", video);
  }

  /** Sends camera and screen as the table says; after the descriptions under way, which would undo it. */
  encode(table: Slots): void {
    this.#queue(async () => this.#connection?.encode(table));
  }

  close(): void {
    void this.closed();
  }

  /** Closes what is still open. Settles when it is. */
  async closed(): Promise<void> {
    this.#closed = true;
    const ends = [this.#connection?.releaseDevices(), this.#connection?.close()];
    this.#options.changed(this);
    // What still fails now was told by its step, and stands in the receipt by its state.
    await Promise.allSettled(ends);
  }

  async #step(plan: PlanName, step: PlanStep, perform: Perform | undefined): Promise<void> {
    const { session } = this.spec;
    try {
      if (plan === "start" && step === "create-connection") this.#connect();
      const connection = this.#connection;
      // What was never made needs no stopping and no taking back.
      const value = connection && perform ? await perform(connection, this.#options.stepContext()) : {};
      this.#options.changed(this);
      this.#feed({ kind: "step-done", session, plan, step, value });
    } catch (thrown) {
      const error = toLodelineError(thrown, "session/plan-failed");
      this.#options.logger.warn("step failed", { session, plan, step, code: error.code });
      this.#feed({ kind: "step-failed", session, plan, step, error, fatal: isFatal(step, error) });
    }
  }

  #connect(): void {
    const { session, use } = this.spec;
    this.#connection ??= new SessionConnection({
      ...this.#options.connectionOptions(),
      session,
      sfu: use === "sfu",
      listener: {
        transport: (connection) => {
          this.#options.changed(this);
          this.#feed({ kind: "transport", session, connection });
        },
        data: (open) => this.#feed({ kind: "data", session, open }),
        message: (data) => this.#options.message(data),
        candidate: (epoch, candidate) =>
          this.#feed({ kind: "local-candidate", session, epoch, candidate: candidateOf(candidate) }),
        trouble: (error) => this.#options.logger.warn("track not attached", { session, error: String(error) }),
      },
    });
  }

  #describe(epoch: number, work: (connection: SessionConnection) => Promise<SessionInput>): void {
    const { session } = this.spec;
    this.#queue(async () => {
      try {
        if (!this.#connection) throw new LodelineError("session/unknown");
        const result = await work(this.#connection);
        this.#options.changed(this);
        this.#feed(result);
      } catch (thrown) {
        const error = toLodelineError(thrown, "sdp/unusable");
        this.#options.logger.warn("description failed", { session, epoch, code: error.code, detail: error.detail });
        this.#feed({ kind: "description-failed", session, epoch, error });
      }
    });
  }

  #addCandidate({ session, epoch, candidate }: Extract<PeerEffect, { kind: "add-candidate" }>): void {
    this.#queue(async () => {
      try {
        await this.#connection?.connection.addIceCandidate(candidate);
      } catch (cause) {
        const error = new LodelineError("candidate/refused", { cause });
        this.#feed({ kind: "candidate-failed", session, epoch, error });
      }
    });
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work);
  }

  #feed(input: SessionInput): void {
    if (!this.#closed) this.#options.feed(input);
  }
}
