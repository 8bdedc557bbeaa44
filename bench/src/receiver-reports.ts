import { ArrivalRecorder, encodeNack, encodeReceiverReport } from "@lodeline/rtp";
import type { LoadPeer } from "./load-peer.ts";
import type { Sinks } from "./sinks.ts";

/** As RFC 3550 section 6.2 lets a browser report on video. */
const REPORT_EVERY_MS = 1_000;

/** How often the sinks are asked what came; feedback itself leaves when its recorder says so, as in a browser. */
const LOOK_EVERY_MS = 50;

/** With each report a packet is asked for again that came so many before the newest, so that repairs are part of the load. */
const NACK_BACK = 8;

/** SSRC that all reports come from. */
const SENDER_SSRC = 1;

interface Receiver {
  readonly peer: LoadPeer;
  readonly recorder: ArrivalRecorder;
  expected: number;
  received: number;
}

/** What receivers tell of what came: receiver reports, transport-wide feedback and a NACK now and then, as browsers send them. */
export class ReceiverReports implements Disposable {
  readonly #sinks: Sinks;
  readonly #receivers: Receiver[] = [];
  readonly #timer: NodeJS.Timeout;
  #nextReportAtMs = 0;
  /** Packets of feedback and reports sent. */
  sent = 0;
  /** Repairs asked for. */
  nacks = 0;

  constructor(sinks: Sinks) {
    this.#sinks = sinks;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Has a receiver report from now on; its media must go into the sinks. */
  add(peer: LoadPeer): void {
    this.#receivers.push({ peer, recorder: new ArrivalRecorder(SENDER_SSRC), expected: 0, received: 0 });
  }

  #look(): void {
    // The clock of the sinks' arrivals.
    const now = Number(process.hrtime.bigint()) / 1e6;
    const reports = now >= this.#nextReportAtMs;
    if (reports) this.#nextReportAtMs = now + REPORT_EVERY_MS;
    for (const receiver of this.#receivers) {
      this.#feedback(receiver, now);
      if (reports) this.#report(receiver);
    }
  }

  #feedback({ peer, recorder }: Receiver, now: number): void {
    const { ssrc } = this.#sinks.counts(peer.sink);
    for (const { transportSequence, sizeBytes, atMs } of this.#sinks.arrivals(peer.sink)) {
      recorder.record(transportSequence, ssrc, sizeBytes, atMs);
    }
    for (const feedback of recorder.take(now)) this.#send(peer, feedback);
  }

  #report(receiver: Receiver): void {
    const { ssrc, newest, first, receivedOfSsrc } = this.#sinks.counts(receiver.peer.sink);
    if (ssrc === 0) return;
    const expected = newest - first + 1;
    const lost = expected - receiver.expected - (receivedOfSsrc - receiver.received);
    const fractionLost = Math.min(
      255,
      Math.max(0, Math.floor((256 * lost) / Math.max(1, expected - receiver.expected))),
    );
    Object.assign(receiver, { expected, received: receivedOfSsrc });
    const block = {
      ssrc,
      fractionLost,
      cumulativeLost: Math.max(0, expected - receivedOfSsrc),
      highestSequence: newest % 2 ** 32,
      jitter: 0,
      lastSenderReport: 0,
      delaySinceLastSenderReport: 0,
    };
    this.#send(receiver.peer, encodeReceiverReport(SENDER_SSRC, [block]));
    if (expected < 2 * NACK_BACK) return;
    this.#send(receiver.peer, encodeNack(SENDER_SSRC, ssrc, [(newest - NACK_BACK) & 0xffff]));
    this.nacks++;
  }

  #send(peer: LoadPeer, compound: Uint8Array): void {
    peer.report(compound);
    this.sent++;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
