import { LodelineError, toLodelineError } from "@lodeline/base";
import type { Candidate } from "@lodeline/protocol";
import type { PlanStep, SessionEffect, SessionInput, StepValue } from "@lodeline/session";
import type { ChannelPart, EnginePart, SectionPart, TransportPart } from "./engine-port.ts";

/** What a session on a transport is made of. */
export interface TransportSessionOptions {
  /** The session's id; the transport gets the same. */
  readonly id: string;
  readonly engine: EnginePart;
  /** Takes the session's inputs. */
  feed(input: SessionInput): void;
  /** Called with every answer, before the session hears of it: from then on its sections can be used. */
  answered(transport: TransportPart, sections: readonly SectionPart[]): void;
  /** Called at the first step of the way down: whatever uses the transport has to go. */
  ending(): void;
}

/**
 * Performs the effects of one answering `PeerSession` on one transport of the engine. It decides nothing: each effect is
 * a call, each outcome an input. The server captures nothing itself, so most steps of the plans have nothing to do here.
 */
export class TransportSession {
  readonly #options: TransportSessionOptions;
  #transport: TransportPart | undefined;
  #closing: Promise<void> | undefined;
  #openChannels = 0;

  constructor(options: TransportSessionOptions) {
    this.#options = options;
  }

  /** The transport, between the first step and the close. */
  get transport(): TransportPart | undefined {
    return this.#transport;
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

  /** Frees whatever is left; ends when the transport's sockets are closed. */
  close(): Promise<void> {
    this.#options.ending();
    this.#closing ??= this.#transport?.close() ?? Promise.resolve();
    return this.#closing;
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
    const { engine, id, feed } = this.#options;
    try {
      const transport = engine.createTransport({ id });
      this.#transport = transport;
      transport.on("state", ({ connection }) => feed({ kind: "transport", session: id, connection }));
      transport.on("datachannel", (channel) => this.#channelOpened(channel));
      this.#done("start", "create-connection", { owned: [{ kind: "connection", id, state: "new" }] });
    } catch (thrown) {
      const error = toLodelineError(thrown, "media/bind-failed");
      feed({ kind: "step-failed", session: id, plan: "start", step: "create-connection", error, fatal: true });
    }
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
    const { id, feed, answered } = this.#options;
    const transport = this.#transport;
    const failed = (thrown: unknown) => {
      const error = toLodelineError(thrown, "sdp/unusable");
      feed({ kind: "description-failed", session: id, epoch, error });
    };
    if (!transport) return failed(new LodelineError("media/closed"));
    transport
      .answer(offerSdp)
      .then(({ sdp, sections }) => {
        answered(transport, sections);
        feed({ kind: "answer-created", session: id, epoch, sdp });
      })
      .catch(failed);
  }

  #addCandidate(epoch: number, { candidate, sdpMid, usernameFragment }: Candidate): void {
    const { id, feed } = this.#options;
    // An empty line ends a generation (W3C RTCIceCandidateInit); the engine takes `null` for it.
    const given = candidate === "" ? null : { candidate, sdpMid, usernameFragment: usernameFragment ?? undefined };
    this.#transport?.addCandidate(given).catch((thrown: unknown) => {
      const error = toLodelineError(thrown, "candidate/refused");
      feed({ kind: "candidate-failed", session: id, epoch, error });
    });
  }

  #channelOpened(channel: ChannelPart): void {
    const { id, feed } = this.#options;
    this.#openChannels++;
    feed({ kind: "data", session: id, open: true });
    channel.on("close", () => {
      this.#openChannels--;
      if (this.#openChannels === 0) feed({ kind: "data", session: id, open: false });
    });
  }

  #done(plan: "start" | "stop" | "undo", step: PlanStep, value?: StepValue): void {
    this.#options.feed({ kind: "step-done", session: this.#options.id, plan, step, value });
  }
}
