import { type ErrorCode, LodelineError, type MonoMs } from "@lodeline/base";
import {
  CLOSE_CODES,
  type ClientMessage,
  type Fatal,
  LIMITS,
  readServerFrame,
  type ServerFrame,
  type Welcome,
} from "@lodeline/protocol";
import { Reconnection } from "./backoff.ts";
import { type CloseReaction, closableCode, closeCodeOf, errorOfClose, reactionTo } from "./close.ts";
import { Fifo } from "./fifo.ts";
import { isTooLarge } from "./frame-size.ts";
import { FrameStream } from "./frame-stream.ts";
import { errorOfFatal, helloText } from "./hello.ts";
import type { ClientLinkOptions, ClientLinkOutput, ClientLinkState } from "./link-types.ts";
import { Resumption } from "./resumption.ts";
import { SpareSocket } from "./spare-socket.ts";

/** After a wake an open socket has this long to show a sign of life: it often died while the machine slept. */
const WAKE_PROBE_MS = 1_500;

/** Where the present socket is. */
type SocketState = "none" | "opening" | "hello-said" | "welcomed";

/**
 * The client's side of one link: delivers each message once and in order over as many sockets as it takes, or says
 * `renewed`. After every input the owner drains {@link ClientLink.poll} and arms its timer by
 * {@link ClientLink.deadline}. After `open-socket` or `close-socket` nothing of an earlier socket may be fed.
 */
export class ClientLink {
  readonly #options: ClientLinkOptions;
  readonly #outputs = new Fifo<ClientLinkOutput>();
  readonly #stream: FrameStream;
  readonly #reconnection: Reconnection;
  #state: ClientLinkState = "idle";
  #socket: SocketState = "none";
  readonly #spare = new SpareSocket();
  readonly #resumption: Resumption;
  /** Messages that were not even kept while broken. */
  #lost = 0;
  #identity: string | undefined;
  #connectBy: MonoMs | undefined;
  #probeBy: MonoMs | undefined;

  constructor(options: ClientLinkOptions) {
    this.#options = options;
    this.#reconnection = new Reconnection(options.timers, options.random);
    this.#resumption = new Resumption({ ...options.timers, random: options.random });
    this.#stream = new FrameStream(options.timers, (text) => this.#outputs.push({ kind: "text", text }));
  }

  get state(): ClientLinkState {
    return this.#state;
  }

  /** The link's name, from the first welcome on; it stays the same over resumes. */
  get link(): string | undefined {
    return this.#resumption.link;
  }

  /** Who the server says this client is; from the first welcome on. */
  get identity(): string | undefined {
    return this.#identity;
  }

  /** How many messages the server has not acknowledged. */
  get unacknowledged(): number {
    return this.#stream.unacknowledged;
  }

  /** The last measured round trip to the server; `undefined` before the first. */
  get rttMs(): number | undefined {
    return this.#stream.rttMs;
  }

  /** Begins, or begins again after `closed`. While it is under way already, does nothing. */
  open(now: MonoMs): void {
    if (this.#state !== "idle" && this.#state !== "closed") return;
    this.#reconnection.encourage();
    this.#connect(now);
    this.#become(this.link === undefined ? "connecting" : "interrupted", undefined);
  }

  /** The socket that `open-socket` asked for is open: says hello, and on a new link at once what waits. */
  socketOpened(now: MonoMs): void {
    if (this.#socket !== "opening") return;
    this.#socket = "hello-said";
    const proof = this.#resumption.proof(this.#stream.received);
    this.#outputs.push({ kind: "text", text: helloText(this.#options.credentials(), proof) });
    // Nothing has to be known of the server to number the first messages: a join needs no round trip of its own.
    if (!this.#resumption.isOpening) return;
    if (this.#stream.sent > 0) this.#resumption.said(now);
    this.#stream.attach(0, now);
    this.#stream.resend(0, now);
  }

  /** One text arrived on the socket. */
  socketText(text: string, now: MonoMs): void {
    if (this.#socket !== "hello-said" && this.#socket !== "welcomed") return;
    const parsed = readServerFrame(text);
    this.#stream.heard(now);
    this.#probeBy = undefined;
    // It lives after all. One that has said hello is taken, for the server has moved there.
    if (this.#spare.state !== "hello-said") this.#dropSpare();
    if (parsed.ok) return this.#frame(parsed.frame, now);
    // A numbered message that this version cannot read is skipped; anything else unreadable is no Lodeline server.
    if (parsed.seq === undefined) return this.#drop(parsed.error, now);
    if (this.#isNext(parsed.seq, now)) this.#outputs.push({ kind: "rejected", error: parsed.error });
  }

  /** The socket closed by itself, or could not be opened (any code will do). */
  socketClosed(code: number, now: MonoMs, reason?: string): void {
    if (this.#socket === "none") return;
    this.#gone(code, errorOfClose(code, reason), now);
  }

  /** As {@link ClientLink.socketOpened}, of the second socket. */
  spareOpened(_now: MonoMs): void {
    if (this.#spare.state !== "opening") return;
    this.#spare.helloSaid();
    const proof = this.#resumption.proof(this.#stream.received);
    this.#outputs.push({ kind: "spare-text", text: helloText(this.#options.credentials(), proof) });
  }

  /** As {@link ClientLink.socketText}, of the second socket. Its welcome makes it the first. */
  spareText(text: string, now: MonoMs): void {
    if (this.#spare.state !== "hello-said") return;
    const parsed = readServerFrame(text);
    // Whatever is wrong with it is no fault of the first.
    if (!parsed.ok || parsed.frame.kind !== "welcome") return this.#spareFailed(now);
    this.#closeSocket(CLOSE_CODES.normal, "moved");
    this.#adoptSpare();
    this.#stream.heard(now);
    this.#frame(parsed.frame, now);
  }

  /** As {@link ClientLink.socketClosed}, of the second socket. */
  spareClosed(now: MonoMs): void {
    if (this.#spare.state !== "none") this.#spare.failed(now);
  }

  /**
   * Sends a message: now, or when the link is there. One above the frame limit is not sent, and `rejected` says so. Does
   * nothing while `closed`.
   */
  send(message: ClientMessage, now: MonoMs): void {
    if (this.#state === "closed") return;
    const json = JSON.stringify(message);
    if (isTooLarge(json)) {
      this.#outputs.push({ kind: "rejected", error: new LodelineError("protocol/too-large", { field: "message" }) });
      return;
    }
    if (this.#resumption.isBroken) {
      this.#lost += 1;
      return;
    }
    if (this.#socket === "hello-said" && this.#resumption.isOpening) this.#resumption.said(now);
    if (!this.#stream.send(json, now)) this.#overflow(now);
  }

  /**
   * The network has changed: as a wake, and tries a second socket at once. The first is kept until the second has its
   * welcome; should it show a sign of life before, it stays.
   */
  networkChanged(now: MonoMs): void {
    this.wake(now);
    if (this.#socket !== "welcomed") return;
    this.#spare.want(now);
    this.tick(now);
  }

  /** The network came back or the page is shown again: reconnects at once, or makes sure that an open socket lives. */
  wake(now: MonoMs): void {
    if (this.#socket === "welcomed") {
      // Should it be dead, the first attempt after it is not kept waiting for what failed before the sleep.
      this.#reconnection.encourage();
      this.#probeBy = now + WAKE_PROBE_MS;
      this.#stream.ping(now);
    } else {
      // What failed before says nothing of now. An attempt that is under way may have begun before, and fail as well.
      this.#reconnection.encourage();
      if (this.#reconnection.at !== undefined) this.#connect(now);
    }
  }

  /** Ends the link on purpose: says bye, forgets everything. What was sent on the open socket before still arrives. */
  close(reason: string, _now: MonoMs): void {
    if (this.#state === "closed") return;
    if (this.#socket === "welcomed" || this.#socket === "hello-said") {
      const text = JSON.stringify({ kind: "bye", reason: reason.slice(0, LIMITS.textLength) });
      this.#outputs.push({ kind: "text", text });
      // The server may have moved there already.
      if (this.#spare.state === "hello-said") this.#outputs.push({ kind: "spare-text", text });
    }
    this.#dropSpare();
    if (this.#socket !== "none") this.#closeSocket(CLOSE_CODES.normal, "bye");
    this.#forget();
    this.#become("closed", "link/closed");
  }

  /** Does what is due. */
  tick(now: MonoMs): void {
    const { at } = this.#reconnection;
    if (at !== undefined && now >= at) return this.#connect(now);
    if (this.#connectBy !== undefined && now >= this.#connectBy) {
      return this.#drop(new LodelineError("timeout", { detail: "No welcome in time." }), now);
    }
    if (this.#socket !== "welcomed") return;
    const late = this.#probeBy !== undefined && now >= this.#probeBy;
    if (late || this.#stream.tick(now) === "lost") return this.#drop(new LodelineError("link/lost"), now);
    const spareDue = this.#spareDue();
    if (spareDue === undefined || now < spareDue) return;
    if (this.#spare.state !== "none") return this.#spareFailed(now);
    this.#spare.opening(now + this.#options.timers.connectMs);
    this.#outputs.push({ kind: "open-spare" });
  }

  /** When {@link ClientLink.tick} has something to do; `undefined` when never. */
  deadline(): MonoMs | undefined {
    const waiting = this.#reconnection.at ?? this.#connectBy;
    if (waiting !== undefined) return waiting;
    const due = this.#socket === "welcomed" ? this.#stream.deadline() : undefined;
    return due === undefined ? undefined : Math.min(due, this.#probeBy ?? due, this.#spareDue() ?? due);
  }

  /** The next thing to do or to know; `undefined` when there is none. Drained after every input. */
  poll(): ClientLinkOutput | undefined {
    return this.#outputs.shift();
  }

  #spareDue(): MonoMs | undefined {
    if (!this.#options.spare) return undefined;
    return this.#resumption.isBroken ? undefined : this.#spare.dueAt(this.#stream.silentSince, this.#stream.rttMs);
  }

  #spareFailed(now: MonoMs): void {
    this.#outputs.push({ kind: "drop-spare" });
    this.#spare.failed(now);
  }

  #dropSpare(): void {
    if (this.#spare.state !== "none") this.#outputs.push({ kind: "drop-spare" });
    this.#spare.clear();
  }

  /** The second socket goes on as the first, from wherever it is. */
  #adoptSpare(): void {
    this.#outputs.push({ kind: "adopt-spare" });
    this.#socket = this.#spare.state;
    this.#connectBy = this.#spare.by;
    this.#spare.restart();
    this.#stream.detach();
    this.#probeBy = undefined;
  }

  /** Whether the second socket is the way on after the first has closed: it is why, or the network is. */
  #spareGoesOn(code: number): boolean {
    if (this.#spare.state === "none" || this.#resumption.isBroken) return false;
    return this.#reactionTo(code) === "resume";
  }

  /** A second socket of our own that said hello is the one that has taken this one's place. */
  #reactionTo(code: number): CloseReaction {
    return code === CLOSE_CODES.replaced && this.#spare.greeted ? "resume" : reactionTo(code);
  }

  #connect(now: MonoMs): void {
    this.#resumption.prepare(now);
    this.#reconnection.clear();
    this.#connectBy = now + this.#options.timers.connectMs;
    this.#socket = "opening";
    this.#outputs.push({ kind: "open-socket" });
  }

  #frame(frame: ServerFrame, now: MonoMs): void {
    if (frame.kind === "fatal") return this.#fatal(frame, now);
    if (frame.kind === "welcome") {
      if (this.#socket === "hello-said") this.#welcome(frame, now);
      return;
    }
    // Only a network that changes the order can bring anything before the welcome.
    if (this.#socket !== "welcomed") return this.#drop(new LodelineError("protocol/sequence-gap"), now);
    if (frame.kind === "bye") return this.#gone(CLOSE_CODES.normal, new LodelineError("link/closed"), now, true);
    this.#stream.acknowledged(frame.ack, now);
    if (frame.kind === "data") {
      if (this.#isNext(frame.seq, now)) this.#outputs.push({ kind: "message", message: frame.message });
    } else if (frame.kind === "ping") this.#stream.pinged(frame.at, now);
    else if (frame.kind === "pong") this.#stream.ponged(frame.at, frame.ack, now);
  }

  #welcome(welcome: Welcome, now: MonoMs): void {
    const renewed = this.#resumption.isRenewal(welcome);
    if (!renewed && !this.#stream.covers(welcome.received)) {
      // The server claims what cannot be: only a new link is sure to be right.
      this.#resumption.breakOff();
      return this.#drop(new LodelineError("link/resume-impossible"), now);
    }
    const resumed = !renewed && !this.#resumption.isOpening;
    this.#resumption.welcomed(welcome);
    this.#identity = welcome.identity;
    this.#socket = "welcomed";
    this.#connectBy = undefined;
    this.#reconnection.opened(now);
    this.#stream.setTimers({
      heartbeatMs: welcome.heartbeatMs,
      linkLostMs: welcome.lostMs,
      ackDelayMs: this.#options.timers.ackDelayMs,
    });
    if (renewed) this.#renew();
    if (renewed || resumed) this.#stream.attach(this.#stream.received, now);
    if (resumed) this.#stream.resend(welcome.received, now);
    else this.#stream.acknowledged(welcome.received, now);
    this.#become("open", undefined);
  }

  #renew(): void {
    const lost = this.#lost + this.#stream.unacknowledged;
    this.#stream.reset();
    this.#lost = 0;
    this.#outputs.push({ kind: "renewed", lost });
  }

  #fatal(fatal: Fatal, now: MonoMs): void {
    const error = errorOfFatal(fatal);
    this.#gone(closeCodeOf(error.code), error, now, true);
  }

  #isNext(seq: number, now: MonoMs): boolean {
    const arrival = this.#stream.arrived(seq, now);
    if (arrival === "gap") {
      this.#reconnection.forgive(now);
      this.#drop(new LodelineError("protocol/sequence-gap"), now);
    }
    return arrival === "next";
  }

  /** The socket is no good any more: away with it, and again. */
  #drop(error: LodelineError, now: MonoMs): void {
    this.#gone(closeCodeOf(error.code), error, now, true);
  }

  /** The socket is over; what comes next depends on the code. `close`: it is still open on our side. */
  #gone(code: number, error: LodelineError, now: MonoMs, close = false): void {
    const reaction = this.#reactionTo(code);
    if (close) this.#closeSocket(closableCode(code), error.code);
    if (this.#spareGoesOn(code)) {
      this.#adoptSpare();
      // Closed because the other has taken its place: nothing is interrupted.
      if (code !== CLOSE_CODES.replaced) this.#become("interrupted", error.code);
      return;
    }
    this.#dropSpare();
    this.#spare.restart();
    this.#socket = "none";
    this.#stream.detach();
    this.#connectBy = undefined;
    this.#probeBy = undefined;
    if (reaction === "stop") return this.#stop(error);
    if (reaction === "renew") this.#resumption.breakOff();
    this.#retry(error.code, now);
  }

  #stop(error: LodelineError): void {
    this.#reconnection.clear();
    if (error.code === "link/closed") this.#forget();
    this.#become("closed", error.code);
    if (error.code !== "link/closed") this.#outputs.push({ kind: "refused", error });
  }

  #retry(reason: ErrorCode, now: MonoMs): void {
    const retryInMs = this.#reconnection.schedule(now);
    this.#become(this.link === undefined ? "connecting" : "interrupted", reason, retryInMs);
  }

  #overflow(now: MonoMs): void {
    this.#lost += 1;
    this.#resumption.breakOff();
    const error = new LodelineError("link/resume-impossible");
    this.#dropSpare();
    if (this.#socket === "welcomed" || this.#socket === "hello-said") this.#drop(error, now);
    else this.#become(this.#state, error.code);
  }

  #forget(): void {
    this.#resumption.forget();
    this.#stream.reset();
    this.#socket = "none";
    this.#lost = 0;
    this.#reconnection.clear();
    this.#connectBy = undefined;
    this.#probeBy = undefined;
  }

  #closeSocket(code: number, reason: string): void {
    this.#outputs.push({ kind: "close-socket", code, reason });
  }

  #become(state: ClientLinkState, reason: ErrorCode | undefined, retryInMs?: number): void {
    const previous = this.#state;
    this.#state = state;
    this.#outputs.push({ kind: "state", state, previous, reason, retryInMs });
  }
}
