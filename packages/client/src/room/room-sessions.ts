import type { Clock } from "@lodeline/base";
import type { Participant, SessionKey } from "@lodeline/participant";
import type { TeardownReceipt as SessionReceipt } from "@lodeline/session";
import type { ActivePath, PlanStep } from "../api/room-api.ts";
import type { BrowserPeer } from "../peer/browser-peer.ts";
import type { BrowserPeers } from "../peer/browser-peers.ts";
import type { SessionConnection } from "../peer/session-connection.ts";
import { readable } from "../stats/stats-report.ts";
import { pairRoutes, slotRoutes, type TrackRoute } from "./track-routes.ts";

/** Steps that are kept for whoever listens late: those of several sessions. */
const KEPT_STEPS = 200;

/** The sessions of one room: one with the sfu, or one with each other member of a mesh. */
export class RoomSessions {
  readonly #participant: Participant;
  readonly #peers: BrowserPeers;
  readonly #receipts: SessionReceipt[] = [];
  readonly #steps: PlanStep[] = [];
  /** Set while the end of all is waited for. */
  #recheck: (() => void) | undefined;

  constructor(participant: Participant, peers: BrowserPeers) {
    this.#participant = participant;
    this.#peers = peers;
  }

  /** What the sessions that ended after {@link allOver} was called said of their teardown. */
  get receipts(): readonly SessionReceipt[] {
    return this.#receipts;
  }

  /** The last steps of all plans, oldest first. */
  get steps(): readonly PlanStep[] {
    return this.#steps;
  }

  /** Keeps a step that is over. @returns It, as the room tells it. */
  noteStep(noted: PlanStep): PlanStep {
    this.#steps.push(noted);
    if (this.#steps.length > KEPT_STEPS) this.#steps.shift();
    return noted;
  }

  /** Every session's driver, also of those that are ending. */
  peers(): BrowserPeer[] {
    return this.#peers.all().filter(({ spec }) => spec.use !== "call");
  }

  /** The newest open connection to each remote. */
  connections(): (readonly [SessionKey, SessionConnection])[] {
    const newest = new Map<SessionKey, SessionConnection>();
    for (const { spec, connection } of this.peers()) {
      if (connection && connection.connection.signalingState !== "closed") newest.set(spec.key, connection);
    }
    return [...newest];
  }

  /** Which receiver plays what. */
  routes(): TrackRoute[] {
    const { slots } = this.#participant;
    return this.connections().flatMap(([key, connection]) => {
      if (key !== "sfu") return pairRoutes(key, connection);
      return slots ? slotRoutes(connection, slots) : [];
    });
  }

  /** The path to the sfu, or to one member of a mesh; to the first of them when none is named. */
  async activePath(participantId: string | undefined): Promise<ActivePath | undefined> {
    const found = this.connections().find(
      ([key]) => key === "sfu" || participantId === undefined || key === `pair:${participantId}`,
    );
    if (!found) return undefined;
    const { activePath } = await import("../stats/active-path.ts");
    const report = await found[1].stats();
    return report && activePath(readable(report));
  }

  /** The browser's statistics of each connection, by session id; without one that is closed meanwhile. */
  async stats(): Promise<ReadonlyMap<string, RTCStatsReport>> {
    const reports = new Map<string, RTCStatsReport>();
    const read = async ([, connection]: readonly [SessionKey, SessionConnection]) => {
      const report = await connection.stats();
      if (report) reports.set(connection.session, report);
    };
    await Promise.all(this.connections().map(read));
    return reports;
  }

  /** A session of the room is over. */
  ended(receipt: SessionReceipt): void {
    if (this.#recheck) this.#receipts.push(receipt);
    else this.#peers.forget(receipt.session);
  }

  /** Something happened that may have been the end of the last session. */
  recheck(): void {
    this.#recheck?.();
  }

  /** Settles when the room has let go and no session is left, and at `dueAt` at the latest. */
  allOver(clock: Clock, dueAt: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.at(dueAt, resolve);
      this.#recheck = () => {
        if (!this.#isOver()) return;
        timer.cancel();
        resolve();
      };
      this.#recheck();
    });
  }

  #isOver(): boolean {
    const { closed, membership, sessions } = this.#participant;
    if (closed) return true;
    return membership === "outside" && sessions.every(({ use, state }) => use === "call" || state.kind === "Ended");
  }
}
