export { type ActiveFault, FaultDesk, type FaultPerformer, type RunningFault } from "./fault-desk.ts";
export {
  type CatalogueEntry,
  catalogueEntry,
  FAULT_CATALOGUE,
  type Parameter,
  type ParameterKind,
} from "./language/catalogue.ts";
export { type Fault, type FaultValue, has, numberOf, textOf } from "./language/fault.ts";
export { faultHelp } from "./language/help.ts";
export { parseFault } from "./language/parse-fault.ts";
export { MessageFaults } from "./messages/message-faults.ts";
export { type Fate, MessageTrace, type PassingMessage, type TraceEntry } from "./messages/message-trace.ts";
export type { TcpConditions, Way } from "./tcp/tcp-conditions.ts";
export { performTcpFault } from "./tcp/tcp-faults.ts";
export { type TcpCounters, type TcpEndpoint, TcpProxy, type TcpProxyOptions } from "./tcp/tcp-proxy.ts";
export { type UdpConditions, type UdpFate, UdpLane } from "./udp/udp-conditions.ts";
export { performUdpFault } from "./udp/udp-faults.ts";
export { type UdpEndpoint, type UdpFaultConditions, UdpRelay } from "./udp/udp-relay.ts";
export type { UdpCounters } from "./udp/udp-way.ts";
