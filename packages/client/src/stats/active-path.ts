import type { ActivePath } from "../api/room-api.ts";
import { entriesOf, type StatsEntry, type StatsReport } from "./stats-report.ts";

/**
 * The path a connection's packets take (W3C webrtc-stats sections 8.17 and 8.18).
 *
 * @returns `undefined` before a pair is selected.
 */
export function activePath(report: StatsReport): ActivePath | undefined {
  const pair = selectedPair(report);
  const local = pair?.localCandidateId === undefined ? undefined : report.get(pair.localCandidateId);
  if (!pair || !local) return undefined;
  const rtt = pair.currentRoundTripTime;
  return {
    type: typeOf(local, pair.remoteCandidateId === undefined ? undefined : report.get(pair.remoteCandidateId)),
    protocol: protocolOf(local),
    rttMs: rtt === undefined ? undefined : rtt * 1000,
    bytesSent: pair.bytesSent ?? 0,
    bytesReceived: pair.bytesReceived ?? 0,
  };
}

function selectedPair(report: StatsReport): StatsEntry | undefined {
  for (const transport of entriesOf(report, "transport")) {
    const pair = transport.selectedCandidatePairId && report.get(transport.selectedCandidatePairId);
    if (pair) return pair;
  }
  // Firefox had no transport statistics for years and marks the pair itself (`selected`, its own extension).
  const pairs = entriesOf(report, "candidate-pair");
  return (
    pairs.find((pair) => pair.selected === true) ?? pairs.find((pair) => pair.nominated && pair.state === "succeeded")
  );
}

function typeOf(local: StatsEntry, remote: StatsEntry | undefined): ActivePath["type"] {
  // A relay at either end makes it a relayed path.
  if (local.candidateType === "relay" || remote?.candidateType === "relay") return "relay";
  const type = local.candidateType;
  return type === "srflx" || type === "prflx" ? type : "host";
}

function protocolOf(local: StatsEntry): ActivePath["protocol"] {
  const protocol = local.relayProtocol ?? local.protocol;
  return protocol === "tcp" || protocol === "tls" ? protocol : "udp";
}
