import { type ErrorCode, LodelineError, type MonoMs } from "@lodeline/base";
import { CLOSE_CODES, type ClientFrame, LIMITS, parseClientFrame, type ServerMessage } from "@lodeline/protocol";
import { closeCodeOf } from "./close.ts";
import { errorMessage } from "./error-message.ts";
import { Fifo } from "./fifo.ts";
import { FrameStream } from "./frame-stream.ts";
import { fatalText, welcomeText } from "./hello.ts";
import { LinkKeys } from "./link-keys.ts";
import type {
  Attachment,
  ServerLinkImage,
  ServerLinkOptions,
  ServerLinkOutput,
  ServerLinkState,
} from "./link-types.ts";
import { type Rate, TokenBucket } from "./token-bucket.ts";

/** Acknowledgements and pings come far more often than messages and cost nearly nothing; a flood of them still ends. */
const CONTROL_RATE: Rate = { perSecond: 1000, burst: 2000 };

/** The server pings somewhat later than the client, whose pings are then enough for both: half the frames of an idle link. */
const PATIENCE = 1.25;

/** Messages at the rate that LIMITS allows. */
const DEFAULT_RATE: Rate = { perSecond: LIMITS.messagesPerSecond, burst: LIMITS.messageBurst };

/**
 * The server's side of one link: delivers each message once and in order over as many sockets as it takes. Made by
 * whoever has verified the hello, then fed with `attach`. After every input the owner drains {@link ServerLink.poll} and
 * arms its timer by {@link ServerLink.deadline}. Frames of an earlier socket must not be fed after a later `attach`.
 */
export class ServerLink {
  /** Its name: what a client resumes. */
  readonly id: string;
  readonly identity: string;
  readonly #options: ServerLinkOptions;
  readonly #outputs = new Fifo<ServerLinkOutput>();
  readonly #stream: FrameStream;
  readonly #keys: LinkKeys;
  readonly #messages: TokenBucket | undefined;
  readonly #control: TokenBucket | undefined;
  #state: ServerLinkState = "waiting";
  #epoch = 0;
  #expireAt: MonoMs | undefined;

  /**
   * @param image - Of a link in an earlier process: this one goes on with it, interrupted, with its whole resume window
   * from now.
   */
  constructor(options: ServerLinkOptions, now: MonoMs, image?: ServerLinkImage) {
    this.id = options.id;
    this.identity = options.identity;
    this.#options = options;
    const timers = { ...options.timers, heartbeatMs: options.timers.heartbeatMs * PATIENCE };
    this.#stream = new FrameStream(timers, (text) => this.#outputs.push({ kind: "text", text }));
    if (options.rate !== null) {
      this.#messages = new TokenBucket(options.rate ?? DEFAULT_RATE, now);
      this.#control = new TokenBucket(CONTROL_RATE, now);
    }
    this.#expireAt = now + options.timers.resumeWindowMs;
    this.#keys = new LinkKeys(options);
    if (image) this.#restore(image, now);
  }

  get state(): ServerLinkState {
    return this.#state;
  }

  /** Which socket of this link is or was attached; 0 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** How many messages the client has not acknowledged. */
  get unacknowledged(): number {
    return this.#stream.unacknowledged;
  }

  /** The last number received in order, the last sent, and the last that the client has acknowledged. */
  get numbers(): { readonly received: number; readonly sent: number; readonly acknowledged: number } {
    const { received, sent, acknowledgedThrough: acknowledged } = this.#stream;
    return { received, sent, acknowledged };
  }

  /** The message of this number, as JSON; `undefined` when it is acknowledged or was never sent. */
  kept(seq: number): string | undefined {
    return this.#stream.kept(seq);
  }

  /** What resumes it, to be kept with its numbers and messages: see {@link ServerLinkImage}. */
  get keys(): Pick<ServerLinkImage, "epoch" | "secret" | "earlierSecret"> {
    return { epoch: this.#epoch, ...this.#keys.kept };
  }

  /** When anything was last heard of the client. */
  get heardAt(): MonoMs {
    return this.#stream.heardAt;
  }

  /** The last measured round trip; `undefined` before the first. */
  get rttMs(): number | undefined {
    return this.#stream.rttMs;
  }

  /**
   * Whether a hello fits this link: its secret is right, in constant time, and nothing that the client lacks is gone.
   *
   * @param secret - Of the hello's resume; or its opening, when the welcome to that was lost.
   * @param received - From the hello; 0 for an opening.
   */
  canResume(secret: string, received: number): boolean {
    const fits = this.#keys.fit(secret);
    return this.#alive() && fits && this.#stream.covers(received);
  }

  /**
   * A socket is there: says welcome with a fresh secret and then what the client lacks. An earlier socket, if there still
   * is one, is the owner's to close with CLOSE_CODES.replaced.
   */
  attach(attachment: Attachment, now: MonoMs): void {
    if (!this.#alive()) return;
    const resumed = this.#epoch > 0;
    this.#epoch += 1;
    const secret = this.#keys.rotate(attachment.secret);
    this.#expireAt = undefined;
    this.#messages?.resume(now, LIMITS.linkBufferFrames);
    this.#stream.attach(this.#stream.received, now);
    const epoch = this.#epoch;
    const { received } = this.#stream;
    const { version } = attachment;
    this.#outputs.push({
      kind: "text",
      text: welcomeText(this.#options, { version, resumed, secret, epoch, received }),
    });
    this.#stream.resend(attachment.received, now);
    this.#become("open", undefined);
  }

  /** One text arrived on the attached socket. Bad ones are answered, never thrown. */
  text(text: string, now: MonoMs): void {
    if (this.#state !== "open") return;
    const parsed = parseClientFrame(text);
    this.#stream.heard(now);
    if (parsed.ok) this.#frame(parsed.frame, now);
    else if (parsed.seq === undefined) this.#fail(parsed.error, now);
    else this.#bad(parsed.seq, parsed.id, parsed.error, now);
  }

  /** Whoever holds the socket refuses what came on it: said to the client, the socket closed, the link may be resumed. */
  refuse(error: LodelineError, now: MonoMs): void {
    if (this.#state === "open") this.#fail(error, now);
  }

  /** The attached socket is closed, by whomever: the resume window begins. */
  detach(now: MonoMs): void {
    if (this.#state === "open") this.#interrupt(undefined, now);
  }

  /** Sends a message: now, or when the client is back. */
  send(message: ServerMessage, now: MonoMs): void {
    this.sendJson(JSON.stringify(message), now);
  }

  /** As {@link ServerLink.send}, for one text that goes to many. */
  sendJson(message: string, now: MonoMs): void {
    if (!this.#alive() || this.#stream.send(message, now)) return;
    // The buffer is full. To go on would be to lose this message in silence: the link ends, and says so.
    if (this.#state === "open") this.#closeSocket(new LodelineError("link/slow-consumer"));
    this.#end("expired", "link/resume-impossible");
  }

  /** Ends the link for good: the reason is said, the socket closed. */
  close(error: LodelineError): void {
    if (!this.#alive()) return;
    if (this.#state === "open") this.#closeSocket(error);
    this.#end("closed", error.code);
  }

  /** Does what is due. */
  tick(now: MonoMs): void {
    if (this.#expireAt !== undefined && now >= this.#expireAt) this.#end("expired", "link/resume-impossible");
    if (this.#state !== "open") return;
    if (this.#stream.tick(now) === "lost") this.#fail(new LodelineError("link/lost"), now);
  }

  /** When {@link ServerLink.tick} has something to do; `undefined` when never. */
  deadline(): MonoMs | undefined {
    return this.#expireAt ?? this.#stream.deadline();
  }

  /** The next thing to do or to know; `undefined` when there is none. Drained after every input. */
  poll(): ServerLinkOutput | undefined {
    return this.#outputs.shift();
  }

  #frame(frame: ClientFrame, now: MonoMs): void {
    if (frame.kind === "data") {
      this.#stream.acknowledged(frame.ack, now);
      const { message } = frame;
      const id = "id" in message ? message.id : undefined;
      if (this.#takes(frame.seq, id, now)) this.#outputs.push({ kind: "message", message });
      return;
    }
    if (this.#control?.take(now) === "flood") return this.#fail(new LodelineError("protocol/rate-limited"), now);
    switch (frame.kind) {
      case "ack":
        return this.#acknowledged(frame.ack, now);
      case "ping":
        this.#acknowledged(frame.ack, now);
        return this.#stream.pinged(frame.at, now);
      case "pong":
        this.#acknowledged(frame.ack, now);
        return this.#stream.ponged(frame.at, frame.ack, now);
      case "bye":
        return this.#bye();
      case "hello":
        return this.#answer(
          undefined,
          new LodelineError("protocol/out-of-turn", { detail: "This socket has said hello already.", field: "kind" }),
          now,
        );
    }
  }

  /** A bare acknowledgement is only written by one who has read the welcome: the earlier secret has served. */
  #acknowledged(ack: number, now: MonoMs): void {
    this.#keys.confirm();
    this.#stream.acknowledged(ack, now);
  }

  /** Whether a numbered message may be used: it is the next one, and within the rate. */
  #takes(seq: number, id: string | undefined, now: MonoMs): boolean {
    if (!this.#isNext(seq, now)) return false;
    const admission = this.#messages?.take(now) ?? "taken";
    if (admission === "taken") return true;
    const error = new LodelineError("protocol/rate-limited");
    if (admission === "flood") this.#fail(error, now);
    else this.#answer(id, error, now);
    return false;
  }

  #bye(): void {
    this.#outputs.push({ kind: "close-socket", code: CLOSE_CODES.normal, reason: "bye" });
    this.#end("closed", "link/closed");
  }

  /** Its number counts, so that nothing else is lost by it; it is answered in place of being delivered. */
  #bad(seq: number, id: string | undefined, error: LodelineError, now: MonoMs): void {
    if (this.#takes(seq, id, now)) this.#answer(id, error, now);
  }

  #isNext(seq: number, now: MonoMs): boolean {
    const arrival = this.#stream.arrived(seq, now);
    if (arrival === "gap") {
      const detail = `Frame ${seq} came after frame ${this.#stream.received}.`;
      this.#fail(new LodelineError("protocol/sequence-gap", { detail, field: "seq" }), now);
    }
    return arrival === "next";
  }

  #answer(id: string | undefined, error: LodelineError, now: MonoMs): void {
    this.#outputs.push({ kind: "rejected", error });
    this.send(errorMessage(error, id), now);
  }

  /** The socket has to go; the link stays and may be resumed. */
  #fail(error: LodelineError, now: MonoMs): void {
    this.#outputs.push({ kind: "rejected", error });
    this.#closeSocket(error);
    this.#interrupt(error.code, now);
  }

  #closeSocket(error: LodelineError): void {
    this.#outputs.push({ kind: "text", text: fatalText(error) });
    this.#outputs.push({ kind: "close-socket", code: closeCodeOf(error.code), reason: error.code });
  }

  #interrupt(reason: ErrorCode | undefined, now: MonoMs): void {
    this.#stream.detach();
    this.#expireAt = now + this.#options.timers.resumeWindowMs;
    this.#become("interrupted", reason);
  }

  #end(state: "expired" | "closed", reason: ErrorCode): void {
    this.#stream.reset();
    this.#expireAt = undefined;
    this.#keys.clear();
    this.#become(state, reason);
  }

  #become(state: ServerLinkState, reason: ErrorCode | undefined): void {
    this.#state = state;
    this.#outputs.push({ kind: "state", state, reason });
  }

  #alive(): boolean {
    return this.#state !== "expired" && this.#state !== "closed";
  }

  #restore(image: ServerLinkImage, now: MonoMs): void {
    this.#epoch = image.epoch;
    this.#keys.restore(image);
    this.#stream.restore(image.received, image.acknowledged, image.messages, now);
    this.#state = "interrupted";
  }
}
