/**
 * The part of W3C webrtc-stats that is read here, all optional: browsers differ in what they offer. Names as in the
 * standard.
 */
export interface StatsEntry {
  readonly id: string;
  readonly type: string;
  readonly timestamp: number;
  readonly kind?: string;
  readonly mid?: string;
  readonly ssrc?: number;
  readonly trackIdentifier?: string;
  readonly mediaSourceId?: string;
  readonly packetsSent?: number;
  readonly packetsReceived?: number;
  readonly packetsDiscarded?: number;
  readonly framesDecoded?: number;
  readonly frames?: number;
  readonly jitterBufferEmittedCount?: number;
  readonly totalSamplesReceived?: number;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly state?: string;
  readonly selected?: boolean;
  readonly nominated?: boolean;
  readonly currentRoundTripTime?: number;
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  readonly candidateType?: string;
  readonly protocol?: string;
  readonly relayProtocol?: string;
}

/** What both an `RTCStatsReport` and a `Map` made of a recorded one are. */
export interface StatsReport {
  get(id: string): StatsEntry | undefined;
  values(): IterableIterator<StatsEntry>;
}

/** A browser's report as one that can be read by type: the DOM declares its entries as `any`. */
export function readable(report: RTCStatsReport): StatsReport {
  return report as unknown as StatsReport;
}

/** Every entry of one type. */
export function entriesOf(report: StatsReport, type: string): StatsEntry[] {
  return [...report.values()].filter((entry) => entry.type === type);
}
