import { type Clock, drive, type Running } from "@lodeline/base";
import {
  type CallSent,
  kindOf,
  parsePublicationId,
  publicationId,
  SERVER_PEER_IDENTITY,
  type Source,
  type Standing,
  type Timers,
} from "@lodeline/protocol";
import { type CallLedgerEffect, type CallLedgerInput, type CallLedgerState, createCallLedger } from "./call-ledger.ts";
import type { Reception } from "./reception.ts";
import { type SessionLine, sessionIdOf } from "./session-table.ts";

/** One source of a call, as this end knows it: what is meant to be, and what comes of it. */
export interface CallRow {
  readonly source: Source;
  /** `outgoing`: this end sends it. */
  readonly direction: "outgoing" | "incoming";
  /** Its sender's word: `undefined` where that has said nothing yet. */
  readonly intent: CallSent["intent"] | undefined;
  /** Whether packets leave its sender, by its word; `undefined` while nobody has looked. */
  readonly sent: boolean | undefined;
  /** Whether its receiver hears or sees it, by its word. */
  readonly received: boolean;
  /** Incoming: how it stands here. */
  readonly standing: Standing;
}

/** What a {@link CallTruth} needs. */
export interface CallTruthOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly reception: Reception;
  readonly line: SessionLine;
  changed(): void;
}

/** Runs the ledger of one call: its words go by the call's session, its steps are done by the session and its driver. */
export class CallTruth implements Disposable {
  readonly #options: CallTruthOptions;
  readonly #ledger: Running<CallLedgerState, CallLedgerInput>;
  /** Publications of the other end that are expected. */
  readonly #expected = new Set<string>();
  /** Whether the other end has said what it sends: before, what was asked for is expected. */
  #heard = false;

  constructor(options: CallTruthOptions) {
    this.#options = options;
    const { clock, timers } = options;
    this.#ledger = drive(createCallLedger(timers), { clock, perform: (effect) => this.#perform(effect) });
  }

  /** Media may flow: what the call was asked for is sent, and expected until the other end says otherwise. */
  begin(): void {
    const { audio, video } = this.#options.line;
    const asked: Source[] = [...(audio ? (["microphone"] as const) : []), ...(video ? (["camera"] as const) : [])];
    if (this.#ledger.state.sends.length === 0) {
      this.feed({ kind: "sends", sends: asked.map((source) => ({ source, intent: "live" })) });
    }
    if (!this.#heard) this.#expect(asked);
  }

  feed(input: CallLedgerInput): void {
    this.#ledger.feed(input);
    if (input.kind === "told") this.#options.changed();
  }

  /** @param standing - `undefined` only asks. @returns Whether the publication is this call's. */
  standing(publication: string, standing: Standing | undefined): boolean {
    const parsed = parsePublicationId(publication);
    if (!parsed || parsed.participant !== this.#options.line.remote) return false;
    if (standing !== undefined) this.feed({ kind: "standing", source: parsed.source, standing });
    return true;
  }

  /** Both directions, as this end knows them. */
  get rows(): CallRow[] {
    const { sends, remote, standings } = this.#ledger.state;
    const outgoing = sends.map(({ source, intent, sent }): CallRow => {
      const received = remote?.receives.find((one) => one.source === source)?.received ?? false;
      return { source, direction: "outgoing", intent, sent, received, standing: "off" };
    });
    const named = new Set([...(Object.keys(standings) as Source[]), ...(remote?.sends ?? []).map((one) => one.source)]);
    const incoming = [...named].map((source): CallRow => {
      const said = remote?.sends.find((one) => one.source === source);
      const standing = standings[source] ?? "off";
      const received = standing === "received";
      return { source, direction: "incoming", intent: said?.intent, sent: said?.sent, received, standing };
    });
    return [...outgoing, ...incoming];
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
    for (const publication of this.#expected) this.#options.reception.forget(publication);
    this.#expected.clear();
  }

  #perform(effect: CallLedgerEffect): void {
    const { line } = this.#options;
    switch (effect.kind) {
      case "tell":
        // The server's peer keeps no ledger: it sends back what it gets.
        if (line.remote !== SERVER_PEER_IDENTITY) line.running.feed(effect);
        break;
      case "renegotiate":
        line.running.feed(effect);
        break;
      case "republish":
        line.drivers.get(sessionIdOf(line.running.state) ?? "")?.republish(effect.source);
        break;
      case "expect":
        this.#heard = true;
        this.#expect(effect.sources);
        break;
    }
  }

  #expect(sources: readonly Source[]): void {
    const { reception, line } = this.#options;
    const wanted = new Map(sources.map((source) => [publicationId(line.remote, source), kindOf(source)]));
    for (const publication of [...this.#expected]) {
      if (wanted.has(publication)) continue;
      this.#expected.delete(publication);
      reception.forget(publication);
    }
    for (const [publication, kind] of wanted) {
      this.#expected.add(publication);
      reception.expect(publication, kind);
    }
  }
}
