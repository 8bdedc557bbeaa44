import type { Clock, LodelineError, Timer } from "@lodeline/base";
import type { IceServer, ServerMessage, Timers } from "@lodeline/protocol";
import type { RoomEffect, RoomLeases } from "@lodeline/room";
import { errorMessage } from "@lodeline/signaling";
import type { LinkHost } from "./link-host.ts";

/** A granted join, as the room says it. */
export type Joined = Extract<RoomEffect, { kind: "joined" }>;

/** What a {@link JoinDesk} needs. */
export interface JoinDeskOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Those of the room that its members are told. */
  readonly settings: RoomLeases;
  link(id: string): LinkHost | undefined;
  iceServers(identity: string): readonly IceServer[];
}

/**
 * How long `joined` waits for its answer. An engine that works answers within a few ms, and one on a machine that is busy
 * within a few hundred; beyond that a room is not kept waiting for its media.
 */
const ANSWER_WAIT_MS = 500;

interface Waiting {
  readonly joined: Joined;
  readonly session: string;
  readonly timer: Timer;
}

/**
 * Completes a granted join to the message `joined`. One that brought an offer waits for its answer, and everything else
 * that its link is told waits behind it, so that media flows after one round trip and nothing comes before the room.
 */
export class JoinDesk implements Disposable {
  readonly #options: JoinDeskOptions;
  /** By participant. */
  readonly #waiting = new Map<string, Waiting>();
  /** What the present session of each participant was answered first: a join said twice is answered twice. */
  readonly #answers = new Map<string, { readonly session: string; readonly sdp: string }>();

  constructor(options: JoinDeskOptions) {
    this.#options = options;
  }

  /** A join without an offer, or one that was answered before: says `joined` at once, unless it waits already. */
  say(host: LinkHost, joined: Joined): void {
    if (this.#waiting.has(joined.participant)) return;
    if (!joined.again) this.#answers.delete(joined.participant);
    host.deliver(this.#message(host, joined));
  }

  /** A join with an offer: waits for the answer of this session. */
  wait(host: LinkHost, joined: Joined, session: string): void {
    const { clock } = this.#options;
    const { participant } = joined;
    this.release(participant);
    this.#answers.delete(participant);
    // A media engine that hangs must not keep anybody out of the room: the answer follows by itself.
    const timer = clock.at(clock.now() + ANSWER_WAIT_MS, () => this.release(participant));
    this.#waiting.set(participant, { joined, session, timer });
    host.hold();
  }

  /** The session was answered. `true` when `joined` carries the answer; otherwise it is to be said by itself. */
  answered(participant: string, session: string, sdp: string): boolean {
    if (this.#waiting.get(participant)?.session !== session) return false;
    this.#answers.set(participant, { session, sdp });
    this.release(participant);
    return true;
  }

  /** The session came to nothing. `true` when `joined` was still waiting: the error follows it at once. */
  failed(participant: string, session: string, error: LodelineError | undefined): boolean {
    if (this.#waiting.get(participant)?.session !== session) return false;
    this.release(participant, error);
    return true;
  }

  /** A link no longer holds its place: what waits for it is said, for it was granted. */
  unbound(participant: string, link: string): void {
    if (this.#waiting.get(participant)?.joined.link === link) this.release(participant);
  }

  /** A participant is gone: its answer is forgotten. */
  forget(participant: string): void {
    this.#answers.delete(participant);
  }

  /** Says the `joined` that waits, as it is by now, and then what waits behind it. */
  release(participant: string, error?: LodelineError): void {
    const waiting = this.#waiting.get(participant);
    if (!waiting) return;
    this.#waiting.delete(participant);
    waiting.timer.cancel();
    const host = this.#options.link(waiting.joined.link);
    if (!host) return;
    const first = [this.#message(host, waiting.joined)];
    if (error) first.push(errorMessage(error));
    host.release(first);
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    this.#answers.clear();
  }

  #message(host: LinkHost, joined: Joined): ServerMessage {
    const { timers, settings, iceServers } = this.#options;
    const { command, participant, incarnation, rejoinToken, seq, room, kept } = joined;
    const answer = this.#answers.get(participant);
    return {
      type: "joined",
      id: command,
      participant,
      incarnation,
      rejoinToken,
      seq,
      room,
      ...(answer === undefined ? {} : { answer }),
      iceServers: [...iceServers(host.identity)],
      receiptWindowMs: timers.receiptWindowMs,
      suspectMs: settings.suspectMs,
      leaseMs: settings.leaseMs,
      byeGraceMs: settings.byeGraceMs,
      maxParticipants: settings.maxParticipants,
      ...(kept === undefined ? {} : { kept: [...kept] }),
    };
  }
}
