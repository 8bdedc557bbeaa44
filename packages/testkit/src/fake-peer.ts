import { type ErrorCode, LodelineError } from "@lodeline/base";
import {
  type Candidate,
  kindOf,
  type Offer,
  type ReceiveSection,
  type SendSection,
  type Source,
  type TrackKind,
} from "@lodeline/protocol";
import type { Owned, PlanName, PlanStep, SessionEffect, SessionInput } from "@lodeline/session";
import type { FakeConnection } from "./fake-connection.ts";
import type { FakePeerOptions } from "./fake-peer-options.ts";
import {
  openDevices,
  type SessionCapture,
  STEP_ACTS,
  type StepAct,
  stopDevices,
  UNDO_ACTS,
} from "./fake-plan-steps.ts";

/** A session effect that touches the world. */
type WorldEffect = Exclude<SessionEffect, { readonly kind: "send" | "emit" }>;

/**
 * Performs a session's effects on a {@link FakeConnection}: each answer comes after a virtual delay, in an order that
 * chance decides, as real engines have it. Complains when it is asked for what no engine may be asked.
 */
export class FakePeer {
  readonly #options: FakePeerOptions;
  #connection: FakeConnection | undefined;
  #closed = false;
  #channel: "none" | "made" | "open" = "none";
  #epoch = 0;
  #chainedUntil = 0;
  #sends: readonly SendSection[];
  #receives: ReceiveSection[];

  constructor(options: FakePeerOptions) {
    this.#options = options;
    this.#sends = options.sends;
    this.#receives = [...options.receives];
  }

  /** The connection; undefined before step 1. */
  get connection(): FakeConnection | undefined {
    return this.#connection;
  }

  /** Sections on which something may arrive. */
  get receiving(): readonly string[] {
    if (this.#receives.length > 0) return this.#receives.map((section) => section.mid);
    return this.#sends.map((section) => section.mid);
  }

  /** Whether media arrives on a section now. */
  arrives(mid: string): boolean {
    const remote = this.#connection && this.#options.plane.remoteOf(this.#connection);
    return remote !== undefined && this.#options.plane.flows(remote, mid);
  }

  /** Whether packets of an own source leave now. */
  leaves(source: Source): boolean {
    const mid = this.#sends.find((one) => one.source === source)?.mid;
    return mid !== undefined && this.#connection !== undefined && this.#options.plane.leaves(this.#connection, mid);
  }

  perform(effect: WorldEffect): void {
    switch (effect.kind) {
      case "run":
        this.#run(effect.plan, effect.step);
        break;
      case "undo":
        this.#run("undo", effect.step);
        break;
      case "create-offer":
        this.#inOrder(() => this.#createOffer(effect.epoch, effect.iceRestart));
        break;
      case "apply-offer":
        this.#inOrder(() => this.#applyOffer(effect.epoch, effect.offer));
        break;
      case "apply-answer":
        this.#inOrder(() => this.#applyAnswer(effect.epoch, effect.sdp));
        break;
      case "add-candidate":
        this.#inOrder(() => this.#addCandidate(effect.epoch, effect.candidate));
        break;
    }
  }

  republish(source: Source): void {
    for (const track of this.#connection?.tracks.values() ?? []) {
      if (track.source === source && track.ailment === "republish") track.ailment = undefined;
    }
  }

  growSlots(audio: number, video: number): void {
    const have = (kind: TrackKind) => this.#receives.filter((section) => section.kind === kind).length;
    for (const [kind, wanted] of [
      ["audio", audio],
      ["video", video],
    ] as const) {
      while (have(kind) < wanted) this.#receives.push({ mid: `${this.#sends.length + this.#receives.length}`, kind });
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#dropDevices();
  }

  #feed(input: SessionInput): void {
    if (!this.#closed) this.#options.feed(input);
  }

  #later(work: () => void): void {
    const { clock, chance } = this.#options;
    clock.at(clock.now() + chance.between(0, 8), () => {
      if (!this.#closed) work();
    });
  }

  /** Descriptions and candidates are taken one after the other: W3C WebRTC section 4.4.1.2, the operations chain. */
  #inOrder(work: () => void): void {
    const { clock, chance } = this.#options;
    this.#chainedUntil = Math.max(this.#chainedUntil, clock.now()) + chance.between(0, 8);
    clock.at(this.#chainedUntil, () => {
      if (!this.#closed) work();
    });
  }

  #addCandidate(epoch: number, candidate: Candidate): void {
    if (!this.#connection || this.#connection.closed || this.#connection.addCandidate(candidate)) return;
    const error = new LodelineError("candidate/refused");
    this.#feed({ kind: "candidate-failed", session: this.#options.session, epoch, error });
  }

  #run(plan: PlanName, step: PlanStep): void {
    if (this.#options.fails?.(plan, step)) {
      this.#later(() => this.#failed(plan, step, "session/plan-failed", true));
      return;
    }
    const perform = (plan === "undo" ? UNDO_ACTS : STEP_ACTS)[step];
    const { capture } = this.#options;
    if (capture && perform === "open-devices") this.#openDevices(capture);
    else if (capture && perform === "stop-devices") this.#stopDevices(capture, plan, step);
    else this.#later(() => this.#done(plan, step, perform ? this.#act(perform) : []));
  }

  #done(plan: PlanName, step: PlanStep, owned: readonly Owned[]): void {
    this.#feed({ kind: "step-done", session: this.#options.session, plan, step, value: { owned } });
  }

  #failed(plan: PlanName, step: PlanStep, code: ErrorCode, fatal: boolean): void {
    const { session } = this.#options;
    this.#feed({ kind: "step-failed", session, plan, step, error: new LodelineError(code), fatal });
  }

  #openDevices(capture: SessionCapture): void {
    openDevices(capture, (owned, refused) => {
      // The page went away while the person was asked: the permission that comes now is given back at once.
      if (this.#closed) this.#dropDevices();
      if (refused !== undefined && owned.length === 0) this.#failed("start", "open-devices", refused, false);
      else this.#done("start", "open-devices", owned);
    });
  }

  #dropDevices(): void {
    const { capture } = this.#options;
    capture?.devices.drop(capture.holder);
  }

  #stopDevices(capture: SessionCapture, plan: PlanName, step: PlanStep): void {
    stopDevices(capture, (owned) => this.#done(plan, step, owned));
  }

  #act(act: StepAct): readonly Owned[] {
    const id = this.#connection?.id ?? this.#options.session;
    switch (act) {
      case "create":
        return this.#create();
      case "close":
        this.#connection?.close();
        return [{ kind: "connection", id, state: "closed" }];
      case "add":
        for (const { mid, source } of this.#sends) this.#addTrack(mid, source);
        return this.#tracks("live");
      case "remove":
        this.#connection?.tracks.clear();
        return this.#tracks("ended");
      case "enable":
        return this.#enable();
      case "disable":
        for (const track of this.#connection?.tracks.values() ?? []) track.enabled = false;
        return this.#tracks("ended");
      case "channel":
        this.#channel = "made";
        return [{ kind: "channel", id, state: "connecting" }];
      case "close-channel":
        this.#channel = "none";
        return [{ kind: "channel", id, state: "closed" }];
      default:
        // Devices that belong to somebody else.
        return [];
    }
  }

  #tracks(state: "live" | "ended"): readonly Owned[] {
    return this.#sends.map(({ mid }) => ({ kind: "track", id: `${this.#options.session}-${mid}`, state }));
  }

  #create(): readonly Owned[] {
    const { plane, endpoint, lite, session } = this.#options;
    this.#connection = plane.create(endpoint, lite, {
      candidate: (candidate) => this.#feed({ kind: "local-candidate", session, epoch: this.#epoch, candidate }),
      state: (connection) => {
        this.#feed({ kind: "transport", session, connection });
        if (connection === "connected") this.#openChannel();
      },
    });
    return [{ kind: "connection", id: this.#connection.id, state: "new" }];
  }

  #openChannel(): void {
    if (this.#channel !== "made") return;
    this.#channel = "open";
    this.#later(() => {
      if (this.#channel === "open") this.#feed({ kind: "data", session: this.#options.session, open: true });
    });
  }

  #enable(): readonly Owned[] {
    const connection = this.#connection;
    // A connection that has closed or failed meanwhile is harmless; one that has never been connected is the race.
    if (!connection || connection.state === "new" || connection.state === "connecting") {
      const state = connection?.state ?? "without connection";
      this.#options.violation(`${this.#options.session}: tracks enabled while ${state}`);
    }
    for (const track of connection?.tracks.values() ?? []) track.enabled = true;
    return [];
  }

  #addTrack(mid: string, source: Source): void {
    const live = () => this.#options.live(source);
    this.#connection?.tracks.set(mid, { mid, source, enabled: false, live, ailment: undefined });
  }

  #createOffer(epoch: number, iceRestart: boolean): void {
    const { session } = this.#options;
    if (!this.#connection || this.#connection.closed) return;
    this.#epoch = epoch;
    const offer: Offer = {
      sdp: this.#connection.createOffer(iceRestart),
      sends: [...this.#sends],
      receives: [...this.#receives],
    };
    this.#feed({ kind: "offer-created", session, epoch, offer });
  }

  #applyOffer(epoch: number, offer: Offer): void {
    const { session } = this.#options;
    if (!this.#connection || this.#connection.closed) return;
    this.#epoch = epoch;
    if (this.#options.adopts) this.#adopt(offer);
    const result = this.#connection.applyOffer(offer.sdp);
    if (result.ok) this.#feed({ kind: "answer-created", session, epoch, sdp: result.sdp });
    else this.#descriptionFailed(epoch, result.why);
  }

  #applyAnswer(epoch: number, sdp: string): void {
    const { session } = this.#options;
    if (!this.#connection || this.#connection.closed) return;
    const result = this.#connection.applyAnswer(sdp);
    if (result.ok) this.#feed({ kind: "answer-applied", session, epoch });
    else this.#descriptionFailed(epoch, result.why);
  }

  #descriptionFailed(epoch: number, detail: string): void {
    const error = new LodelineError("sdp/unusable", { detail });
    this.#feed({ kind: "description-failed", session: this.#options.session, epoch, error });
  }

  /** The answerer's tracks go on the offerer's sections. Those that exist keep their state. */
  #adopt(offer: Offer): void {
    this.#sends = offer.sends;
    for (const { mid, source } of offer.sends) if (!this.#connection?.tracks.has(mid)) this.#addTrack(mid, source);
  }
}

/** The sections of everyone's own sources, in the order of SOURCES: what real clients make up front as well. */
export function ownSections(sources: readonly Source[]): SendSection[] {
  return sources.map((source, index) => ({ mid: String(index), source }));
}

/** The kinds of device that a set of sources needs. */
export function deviceKinds(audio: boolean, video: boolean): TrackKind[] {
  return [...(audio ? [kindOf("microphone")] : []), ...(video ? [kindOf("camera")] : [])];
}
