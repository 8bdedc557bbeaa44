export { type ActiveFault, FaultDesk, type FaultPerformer, type RunningFault } from "./fault-desk.ts";
export { type CatalogueEntry, FAULT_CATALOGUE, type Parameter, type ParameterKind } from "./language/catalogue.ts";
export { type Fault, type FaultValue, has, numberOf, textOf } from "./language/fault.ts";
export { faultHelp } from "./language/help.ts";
export { parseFault } from "./language/parse-fault.ts";
export { MessageFaults } from "./messages/message-faults.ts";
export { type Fate, MessageTrace, type PassingMessage, type TraceEntry } from "./messages/message-trace.ts";
