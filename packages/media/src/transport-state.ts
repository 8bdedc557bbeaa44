import type { DtlsState } from "./dtls/dtls-link.ts";
import type { IceState } from "./ice/ice-types.ts";

/** As `RTCPeerConnectionState`. */
export type ConnectionState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** The three states of a transport. */
export interface TransportState {
  readonly ice: IceState;
  readonly dtls: DtlsState;
  readonly connection: ConnectionState;
}

/** Both layers as one state, as W3C's WebRTC section 4.4.1.1 does. */
export function connectionState(ice: IceState, dtls: DtlsState, closed: boolean): ConnectionState {
  if (closed) return "closed";
  // A closed DTLS is the other side's goodbye: only a new connection helps.
  if (ice === "failed" || dtls === "failed" || dtls === "closed") return "failed";
  if (ice === "disconnected") return "disconnected";
  if (ice === "connected" && dtls === "connected") return "connected";
  return ice === "new" && dtls === "new" ? "new" : "connecting";
}
