/** The value of one parameter: ms for durations, bytes for sizes, bit/s for bitrates, 0 .. 1 for shares. */
export type FaultValue = string | number | true;

/** One fault as it was written, read and checked. */
export interface Fault {
  /** The catalogue's name of it, such as `udp`. */
  readonly name: string;
  readonly values: Readonly<Record<string, FaultValue>>;
  /** It begins this long after it was started, in ms. */
  readonly afterMs: number;
  /** It lasts this long, in ms; `undefined`: until it is stopped, or has done what it can do once. */
  readonly forMs: number | undefined;
  /** As it was written. */
  readonly spec: string;
}

/** A number of a fault, or `undefined` where it was not given. */
export function numberOf(fault: Fault, parameter: string): number | undefined {
  const value = fault.values[parameter];
  return typeof value === "number" ? value : undefined;
}

/** A text or word of a fault, or `undefined` where it was not given. */
export function textOf(fault: Fault, parameter: string): string | undefined {
  const value = fault.values[parameter];
  return typeof value === "string" ? value : undefined;
}

/** Whether a parameter was given, flag or not. */
export function has(fault: Fault, parameter: string): boolean {
  return fault.values[parameter] !== undefined;
}
