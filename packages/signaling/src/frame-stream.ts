import type { MonoMs } from "@lodeline/base";
import { LIMITS, type Timers } from "@lodeline/protocol";
import { FrameBuffer } from "./frame-buffer.ts";

/** The waits of a stream. */
export type StreamTimers = Pick<Timers, "heartbeatMs" | "linkLostMs" | "ackDelayMs">;

/** What an incoming number means: the next one; one already had; one too far, so that something is missing. */
export type Arrival = "next" | "again" | "gap";

/** Frames are acknowledged at once when this many wait for it: the other side's buffer stays short under load. */
const ACK_EVERY = 8;

/** A frame not acknowledged after so many acknowledgement delays is asked after: a lost last frame shows by nothing else. */
const PROBE_ACK_DELAYS = 5;

/** Unanswered pings remembered. More are outstanding only on a link that is as good as lost. */
const PINGS_KEPT = 16;

/**
 * What both ends of a link have in common: numbers, acknowledgements, heartbeat, and the copies kept for a resume. Knows
 * nothing of sockets: it hands texts to `emit` while attached, and only keeps them while not.
 */
export class FrameStream {
  readonly #buffer = new FrameBuffer({ frames: LIMITS.linkBufferFrames, length: LIMITS.linkBufferLength });
  readonly #emit: (text: string) => void;
  #timers: StreamTimers;
  #attached = false;
  #received = 0;
  #ackSent = 0;
  #ackDue: MonoMs | undefined;
  #sentAt: MonoMs = 0;
  #heardAt: MonoMs = 0;
  /** Since when the oldest unacknowledged frame has waited. */
  #waitingSince: MonoMs | undefined;
  #pings: { readonly at: MonoMs; readonly seq: number }[] = [];
  #rttMs: number | undefined;

  constructor(timers: StreamTimers, emit: (text: string) => void) {
    this.#timers = timers;
    this.#emit = emit;
  }

  /** The last frame received in order. */
  get received(): number {
    return this.#received;
  }

  /** The number of the last message handed to {@link FrameStream.send}. */
  get sent(): number {
    return this.#buffer.last;
  }

  /** The last of our messages that the other side has acknowledged. */
  get acknowledgedThrough(): number {
    return this.#buffer.dropped;
  }

  /** How many messages are not acknowledged. */
  get unacknowledged(): number {
    return this.#buffer.count;
  }

  /** When anything was last heard. */
  get heardAt(): MonoMs {
    return this.#heardAt;
  }

  /** Since when a ping has waited for its answer with nothing else heard meanwhile; `undefined` when none has. */
  get silentSince(): MonoMs | undefined {
    if (!this.#attached) return undefined;
    return this.#pings.find(({ at }) => at >= this.#heardAt)?.at;
  }

  /** The last measured round trip; `undefined` before the first. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** Takes other waits, those of the welcome. */
  setTimers(timers: StreamTimers): void {
    this.#timers = timers;
  }

  /**
   * A socket is there and the other side knows what we have received: it was in the hello or the welcome.
   *
   * @param told - The number it was told.
   */
  attach(told: number, now: MonoMs): void {
    this.#attached = true;
    this.#ackSent = told;
    this.#ackDue = undefined;
    this.#sentAt = now;
    this.#heardAt = now;
    this.#pings = [];
    this.#waitingSince = this.#buffer.count > 0 ? now : undefined;
  }

  /** The socket is gone. Numbers and copies are kept. */
  detach(): void {
    this.#attached = false;
  }

  /** Forgets everything: a new link. */
  reset(): void {
    this.#attached = false;
    this.#buffer.reset();
    this.#received = 0;
    this.#ackSent = 0;
  }

  /**
   * Numbers a message, keeps it, and says it when attached.
   *
   * @param message - Its JSON.
   * @returns `false` when there is no room: the message is not taken and the link cannot be resumed any more.
   */
  send(message: string, now: MonoMs): boolean {
    const seq = this.#buffer.add(message);
    if (seq === undefined) return false;
    if (this.#attached) this.#say(seq, message, now);
    return true;
  }

  /** Says everything again that follows `after`; what is up to it is acknowledged by this. */
  resend(after: number, now: MonoMs): void {
    this.#buffer.dropThrough(after);
    for (let seq = this.#buffer.dropped + 1; seq <= this.#buffer.last; seq++) {
      const message = this.#buffer.get(seq);
      if (message !== undefined) this.#say(seq, message, now);
    }
  }

  /** The message of this number; `undefined` when it is acknowledged or was never sent. */
  kept(seq: number): string | undefined {
    return this.#buffer.get(seq);
  }

  /**
   * Goes on where another stream stood. Not attached; silence counts from now.
   *
   * @param acknowledged - The last number that the other side has acknowledged.
   * @param messages - Those after it, in order.
   */
  restore(received: number, acknowledged: number, messages: readonly string[], now: MonoMs): void {
    this.#received = received;
    this.#heardAt = now;
    this.#buffer.restore(acknowledged, messages);
  }

  /** Whether a resume can go on after `received`: nothing that the other side lacks is dropped, nothing unknown claimed. */
  covers(received: number): boolean {
    return received >= this.#buffer.dropped && received <= this.#buffer.last;
  }

  /** Anything was heard. */
  heard(now: MonoMs): void {
    this.#heardAt = now;
  }

  /** A numbered frame arrived. Only after `"next"` may its message be used. */
  arrived(seq: number, now: MonoMs): Arrival {
    if (seq > this.#received + 1) return "gap";
    // Also for one already had: our acknowledgement of it was lost, or the other side would not have said it again.
    this.#ackDue ??= now + this.#timers.ackDelayMs;
    if (seq <= this.#received) return "again";
    this.#received = seq;
    if (seq - this.#ackSent >= ACK_EVERY) this.#sayAck(now);
    return "next";
  }

  /** The other side has received our frames up to `ack`. */
  acknowledged(ack: number, now: MonoMs): void {
    if (ack <= this.#buffer.dropped) return;
    this.#buffer.dropThrough(ack);
    this.#waitingSince = this.#buffer.count > 0 ? now : undefined;
  }

  /** Answers a ping. */
  pinged(at: number, now: MonoMs): void {
    this.#text(`{"kind":"pong","at":${at},"ack":${this.#received}}`, now);
  }

  /**
   * A ping of ours was answered. Frames sent before it and still not acknowledged by the answer are lost, for the socket
   * keeps its order: they are said again.
   */
  ponged(at: number, ack: number, now: MonoMs): void {
    const index = this.#pings.findIndex((ping) => ping.at === at);
    const ping = this.#pings[index];
    if (ping === undefined) return;
    this.#pings.splice(0, index + 1);
    this.#rttMs = now - at;
    if (ack < ping.seq && this.#buffer.count > 0) this.resend(ack, now);
  }

  /** Asks for a sign of life. */
  ping(now: MonoMs): void {
    this.#pings.push({ at: now, seq: this.#buffer.last });
    if (this.#pings.length > PINGS_KEPT) this.#pings.shift();
    this.#text(`{"kind":"ping","at":${now},"ack":${this.#received}}`, now);
  }

  /** Does what is due. `"lost"` when nothing was heard for the whole window: the owner drops the socket. */
  tick(now: MonoMs): "lost" | undefined {
    if (!this.#attached) return undefined;
    if (now >= this.#heardAt + this.#timers.linkLostMs) return "lost";
    const probeDue = this.#probeDue();
    if (probeDue !== undefined && now >= probeDue) {
      this.#waitingSince = now;
      this.ping(now);
    } else if (now >= this.#sentAt + this.#timers.heartbeatMs) this.ping(now);
    if (this.#ackDue !== undefined && now >= this.#ackDue) this.#sayAck(now);
    return undefined;
  }

  /** When {@link FrameStream.tick} has something to do; `undefined` while not attached. */
  deadline(): MonoMs | undefined {
    if (!this.#attached) return undefined;
    const idle = Math.min(this.#sentAt + this.#timers.heartbeatMs, this.#heardAt + this.#timers.linkLostMs);
    return Math.min(idle, this.#ackDue ?? idle, this.#probeDue() ?? idle);
  }

  #probeDue(): MonoMs | undefined {
    if (this.#waitingSince === undefined) return undefined;
    return this.#waitingSince + PROBE_ACK_DELAYS * this.#timers.ackDelayMs;
  }

  #say(seq: number, message: string, now: MonoMs): void {
    this.#waitingSince ??= now;
    this.#text(`{"kind":"data","seq":${seq},"ack":${this.#received},"message":${message}}`, now);
  }

  #sayAck(now: MonoMs): void {
    this.#text(`{"kind":"ack","ack":${this.#received}}`, now);
  }

  /** Every text but a bare hello or welcome carries the acknowledgement. */
  #text(text: string, now: MonoMs): void {
    this.#ackSent = this.#received;
    this.#ackDue = undefined;
    this.#sentAt = now;
    this.#emit(text);
  }
}
