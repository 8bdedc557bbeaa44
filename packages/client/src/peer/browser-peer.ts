import { LodelineError, type Logger, toLodelineError } from "@lodeline/base";
import type { PeerDriver, PeerEffect, PeerSpec } from "@lodeline/participant";
import type { Source } from "@lodeline/protocol";
import type { PlanName, SessionInput } from "@lodeline/session";
import { candidateOf } from "./candidate.ts";
import { answerTo, applyAnswer, makeOffer } from "./descriptions.ts";
import { isFatal, type Perform, RUN, type StepContext, UNDO } from "./plan-steps.ts";
import { SessionConnection, type SessionConnectionOptions } from "./session-connection.ts";

/** What a {@link BrowserPeer} needs of its surroundings. */
export interface BrowserPeerOptions {
  readonly spec: PeerSpec;
  readonly feed: (input: SessionInput) => void;
  readonly logger: Logger;
  /** What a new session's connection is made of; read when it is made. */
  connectionOptions(): Omit<SessionConnectionOptions, "session" | "sfu" | "listener">;
  /** What the steps need; read at each step. */
  stepContext(): StepContext;
  /** A connection was made or closed, or its sections changed. */
  changed(peer: BrowserPeer): void;
  /** Something came in on the data channel. */
  message(data: string | ArrayBuffer): void;
}

/**
 * Performs the effects of one remote's sessions on real peer connections. Sessions follow each other (a repair makes a
 * new one); what comes late from an earlier one carries its id, so that the machine can tell.
 */
export class BrowserPeer implements PeerDriver {
  readonly spec: PeerSpec;
  readonly #options: BrowserPeerOptions;
  readonly #connections = new Map<string, SessionConnection>();
  #latest: SessionConnection | undefined;
  #closed = false;
  /** Descriptions and candidates, one after the other, in the order in which they were asked for. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: BrowserPeerOptions) {
    this.spec = options.spec;
    this.#options = options;
  }

  /** The connection of the present session, or of the last one; `undefined` before the first. */
  get current(): SessionConnection | undefined {
    return this.#latest;
  }

  perform(effect: PeerEffect): void {
    const { session } = effect;
    switch (effect.kind) {
      case "run":
        return void this.#step(session, effect.plan, effect.step, RUN[effect.step]);
      case "undo":
        return void this.#step(session, "undo", effect.step, UNDO[effect.step]);
      case "create-offer":
        return this.#describe(session, effect.epoch, async (connection) => {
          const offer = await makeOffer(connection, effect.epoch, effect.iceRestart);
          return { kind: "offer-created", session, epoch: effect.epoch, offer };
        });
      case "apply-offer":
        return this.#describe(session, effect.epoch, async (connection) => {
          const sdp = await answerTo(connection, effect.epoch, effect.offer);
          return { kind: "answer-created", session, epoch: effect.epoch, sdp };
        });
      case "apply-answer":
        return this.#describe(session, effect.epoch, async (connection) => {
          await applyAnswer(connection, effect.sdp);
          return { kind: "answer-applied", session, epoch: effect.epoch };
        });
      case "add-candidate":
        return this.#addCandidate(effect);
    }
  }

  republish(source: Source): void {
    void this.#latest?.republish(source);
  }

  /** Adds receive slots. @returns Whether any were added, and a negotiation is needed. */
  growSlots(audio: number, video: number): boolean {
    const sections = this.#latest?.sections;
    if (!sections) return false;
    const grewAudio = sections.growSlots("audio", audio);
    return sections.growSlots("video", video) || grewAudio;
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) {
      void connection.releaseDevices();
      connection.close();
    }
    this.#connections.clear();
    this.#options.changed(this);
  }

  async #step(session: string, plan: PlanName, step: keyof typeof RUN, perform: Perform | undefined): Promise<void> {
    try {
      const connection = step === "create-connection" && plan === "start" ? this.#make(session) : this.#find(session);
      // What is gone needs no taking back, and a step of a session that never had a connection is done.
      const value = connection && perform ? await perform(connection, this.#options.stepContext()) : {};
      if (connection?.connection.signalingState === "closed") this.#connections.delete(session);
      this.#options.changed(this);
      this.#feed({ kind: "step-done", session, plan, step, value });
    } catch (thrown) {
      const error = toLodelineError(thrown, "session/plan-failed");
      this.#options.logger.warn("step failed", { session, plan, step, code: error.code });
      this.#feed({ kind: "step-failed", session, plan, step, error, fatal: isFatal(step, error) });
    }
  }

  #make(session: string): SessionConnection {
    const connection = new SessionConnection({
      ...this.#options.connectionOptions(),
      session,
      sfu: this.spec.use === "sfu",
      listener: {
        transport: (state) => {
          this.#options.changed(this);
          this.#feed({ kind: "transport", session, connection: state });
        },
        data: (open) => this.#feed({ kind: "data", session, open }),
        message: (data) => this.#options.message(data),
        candidate: (epoch, candidate) =>
          this.#feed({ kind: "local-candidate", session, epoch, candidate: candidateOf(candidate) }),
        trouble: (error) => this.#options.logger.warn("track not attached", { session, error: String(error) }),
      },
    });
    this.#connections.set(session, connection);
    this.#latest = connection;
    return connection;
  }

  #find(session: string): SessionConnection | undefined {
    return this.#connections.get(session);
  }

  #describe(session: string, epoch: number, work: (connection: SessionConnection) => Promise<SessionInput>): void {
    this.#queue(async () => {
      try {
        const connection = this.#find(session);
        if (!connection) throw new LodelineError("session/unknown");
        const result = await work(connection);
        this.#options.changed(this);
        this.#feed(result);
      } catch (thrown) {
        const error = toLodelineError(thrown, "sdp/unusable");
        this.#feed({ kind: "description-failed", session, epoch, error });
      }
    });
  }

  #addCandidate({ session, epoch, candidate }: Extract<PeerEffect, { kind: "add-candidate" }>): void {
    this.#queue(async () => {
      try {
        await this.#find(session)?.connection.addIceCandidate(candidate);
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
