import type { Candidate, ReplayStep, Source } from "@lodeline/protocol";
import { encodeDescription, type FakeDescription, fragment, parseDescription } from "./fake-description.ts";

/** State of a fake connection, as W3C RTCPeerConnectionState. */
export type FakeConnectionState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** A track that a fake connection sends on one section. */
export interface FakeTrack {
  readonly mid: string;
  readonly source: Source;
  /** Tracks are added disabled and enabled by step 12. */
  enabled: boolean;
  /** Whether there is anything to send: the device captures, or a publication is forwarded. */
  live(): boolean;
  /**
   * What ails it: nothing that can be used arrives until this step of a replay was taken. `republish`: nothing leaves;
   * any other: packets leave, in vain.
   */
  ailment: ReplayStep | undefined;
  /** Packets leave and vanish; nothing cures it but its end. */
  silent?: boolean;
}

/** What a fake connection tells whoever performs its session. */
export interface FakeConnectionHandlers {
  candidate(candidate: Candidate): void;
  state(state: FakeConnectionState): void;
}

/** What a connection needs of the plane it lives in. */
export interface ConnectionSurroundings {
  /** Something changed that may let two connections meet, or part them. */
  changed(connection: FakeConnection): void;
  /** A local description was set: candidates of this generation follow. */
  gather(connection: FakeConnection): void;
  /** What no engine may be asked to do; the run has failed. */
  violation(text: string): void;
}

/** Why a description could not be used. */
export type Refusal = { readonly ok: false; readonly why: string };

/**
 * A peer connection without media or network: it knows which description answers which, in which ICE generation, and
 * which tracks are enabled. Whether it is connected is decided by the {@link MediaPlane} it lives in.
 */
export class FakeConnection {
  readonly id: string;
  /** The host it runs on, for paths that break. */
  readonly endpoint: string;
  readonly handlers: FakeConnectionHandlers;
  readonly tracks = new Map<string, FakeTrack>();
  state: FakeConnectionState = "new";
  /** A black hole on the path that ICE has not noticed: everything leaves and nothing arrives until ICE restarts. */
  swallows = false;
  generation = 0;
  /** The remote description that was applied last. */
  remote: FakeDescription | undefined;
  /** Generations of the remote of which a candidate was added. */
  readonly candidatesOf = new Set<string>();
  readonly #surroundings: ConnectionSurroundings;
  #version = 0;
  #pending: FakeDescription | undefined;

  constructor(id: string, endpoint: string, surroundings: ConnectionSurroundings, handlers: FakeConnectionHandlers) {
    this.id = id;
    this.endpoint = endpoint;
    this.handlers = handlers;
    this.#surroundings = surroundings;
  }

  get closed(): boolean {
    return this.state === "closed";
  }

  /** Makes an offer; one that was not answered yet is forgotten. */
  createOffer(iceRestart: boolean): string {
    if (iceRestart || this.generation === 0) this.#newGeneration();
    this.#pending = this.#describe("offer", undefined);
    return encodeDescription(this.#pending);
  }

  /** Applies an offer and answers it. */
  applyOffer(sdp: string): { readonly ok: true; readonly sdp: string } | Refusal {
    const offer = parseDescription(sdp);
    if (offer?.type !== "offer") return { ok: false, why: "not an offer" };
    if (this.#pending) {
      this.#surroundings.violation(`glare: ${this.id} was given offer ${sdp} while its own waits for an answer`);
      return { ok: false, why: "have-local-offer" };
    }
    if (this.remote && this.remote.connection !== offer.connection) {
      return { ok: false, why: "the offer comes from another connection" };
    }
    // A new generation of the offerer's asks for a new one of the answerer's (RFC 8839 section 4.4.3.1.1).
    if (this.remote?.generation !== offer.generation) this.#newGeneration();
    this.remote = offer;
    const answer = this.#describe("answer", offer);
    this.#cure("renegotiate");
    this.#surroundings.changed(this);
    return { ok: true, sdp: encodeDescription(answer) };
  }

  /** Applies the answer to the pending offer. One that answers another offer is a fault of the session above. */
  applyAnswer(sdp: string): { readonly ok: true } | Refusal {
    const answer = parseDescription(sdp);
    if (answer?.type !== "answer" || !answer.answers) return { ok: false, why: "not an answer" };
    const pending = this.#pending;
    if (!pending) {
      this.#surroundings.violation(`${this.id} was given answer ${sdp} in stable state`);
      return { ok: false, why: "stable" };
    }
    if (answer.answers.connection !== this.id || answer.answers.version !== pending.version) {
      this.#surroundings.violation(`${this.id} was given answer ${sdp}, which answers another offer than its own`);
      return { ok: false, why: "answers another offer" };
    }
    this.#pending = undefined;
    this.remote = answer;
    this.#cure("renegotiate");
    this.#surroundings.changed(this);
    return { ok: true };
  }

  /** Adds a remote candidate. Before any remote description that is a fault of the session above: it should queue. */
  addCandidate(candidate: Candidate): boolean {
    if (!this.remote) {
      this.#surroundings.violation(`${this.id} was given a candidate before a remote description`);
      return false;
    }
    if (candidate.usernameFragment !== fragment(this.remote.connection, this.remote.generation)) return false;
    this.candidatesOf.add(candidate.usernameFragment);
    this.#surroundings.changed(this);
    return true;
  }

  /** Whether what it knows of `other` is what `other` says now. */
  agreesWith(other: FakeConnection): boolean {
    const { remote } = this;
    return remote !== undefined && remote.connection === other.id && remote.generation === other.generation;
  }

  /** Whether a candidate of the remote's present generation was added. */
  get hasCandidate(): boolean {
    return this.remote !== undefined && this.candidatesOf.has(fragment(this.remote.connection, this.remote.generation));
  }

  close(): void {
    if (this.closed) return;
    this.state = "closed";
    for (const track of this.tracks.values()) track.enabled = false;
    this.#surroundings.changed(this);
  }

  #newGeneration(): void {
    this.generation += 1;
    this.swallows = false;
    this.#surroundings.gather(this);
  }

  #cure(step: ReplayStep): void {
    for (const track of this.tracks.values()) if (track.ailment === step) track.ailment = undefined;
  }

  #describe(type: "offer" | "answer", answers: FakeDescription | undefined): FakeDescription {
    this.#version += 1;
    return {
      type,
      connection: this.id,
      version: this.#version,
      generation: this.generation,
      answers: answers && { connection: answers.connection, version: answers.version },
    };
  }
}
