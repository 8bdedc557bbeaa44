export { type ActiveFault, FaultDesk } from "../fault-desk.ts";
export { DeviceFaults, type DeviceFaultsOptions } from "./device-faults.ts";
