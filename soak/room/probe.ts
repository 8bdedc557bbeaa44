import { bookConnections } from "../../e2e/support/connection-book.ts";

/**
 * The outside probe: reads what the browser itself counts and what its elements show. It shares no code with the SDK's
 * own evidence and asks the SDK nothing.
 */

interface Inbound {
  readonly id: string;
  readonly trackIdentifier: string;
  readonly packetsReceived?: number;
  readonly framesDecoded?: number;
  readonly totalSamplesReceived?: number;
  readonly concealedSamples?: number;
  readonly totalAudioEnergy?: number;
}

/** What the browser counted of one track within a second. */
export interface Rise {
  packets: number;
  framesDecoded: number;
  heardMs: number;
  audioEnergy: number;
}

const SAMPLES_PER_MS = 48;

/** Every peer connection that the page makes; install it before the SDK is used. */
export class ConnectionBook {
  readonly #open = new Set<RTCPeerConnection>();
  #serial = 0;
  readonly #names = new WeakMap<RTCPeerConnection, number>();
  #before = new Map<string, Inbound>();

  /** Begins to note them. */
  install(): void {
    bookConnections((connection) => {
      this.#open.add(connection);
      this.#names.set(connection, this.#serial++);
    });
  }

  /** What every incoming track has gained since the last call, by track id. */
  async read(): Promise<ReadonlyMap<string, Rise>> {
    const now = new Map<string, Inbound>();
    for (const connection of [...this.#open]) {
      if (connection.connectionState === "closed") this.#open.delete(connection);
      else await this.#readOne(connection, now);
    }
    const rises = new Map<string, Rise>();
    for (const [key, entry] of now) add(rises, entry, this.#before.get(key));
    this.#before = now;
    return rises;
  }

  async #readOne(connection: RTCPeerConnection, into: Map<string, Inbound>): Promise<void> {
    const report = await connection.getStats().catch(() => undefined);
    report?.forEach((entry) => {
      if (entry.type === "inbound-rtp") into.set(`${this.#names.get(connection)} ${entry.id}`, entry);
    });
  }
}

function add(rises: Map<string, Rise>, now: Inbound, before: Inbound | undefined): void {
  const known = rises.get(now.trackIdentifier) ?? { packets: 0, framesDecoded: 0, heardMs: 0, audioEnergy: 0 };
  const rise = (of: (entry: Inbound) => number | undefined) =>
    Math.max(0, (of(now) ?? 0) - (before ? (of(before) ?? 0) : 0));
  known.packets += rise((entry) => entry.packetsReceived);
  known.framesDecoded += rise((entry) => entry.framesDecoded);
  known.heardMs += rise((entry) => (entry.totalSamplesReceived ?? 0) - (entry.concealedSamples ?? 0)) / SAMPLES_PER_MS;
  known.audioEnergy += rise((entry) => entry.totalAudioEnergy);
  rises.set(now.trackIdentifier, known);
}

/** Counts the frames that an element presents. */
export class FrameCounter {
  #count = 0;
  #firstAtMs: number | undefined;

  constructor(element: HTMLVideoElement) {
    const next = () => {
      this.#count++;
      this.#firstAtMs ??= Date.now();
      element.requestVideoFrameCallback(next);
    };
    element.requestVideoFrameCallback(next);
  }

  /** Frames since the last call, and the wall time of the first. */
  take(): { readonly framesShown: number; readonly firstShownAtMs: number | undefined } {
    const taken = { framesShown: this.#count, firstShownAtMs: this.#firstAtMs };
    this.#count = 0;
    this.#firstAtMs = undefined;
    return taken;
  }
}
