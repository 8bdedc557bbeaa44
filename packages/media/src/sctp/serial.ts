/** How far `a` is ahead of `b`, both 32-bit serial numbers; negative when behind. RFC 1982, RFC 9260 section 1.7. */
export function ahead32(a: number, b: number): number {
  return (a - b) | 0;
}

/** How far `a` is ahead of `b`, both 16-bit serial numbers. */
export function ahead16(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** A 32-bit serial number `steps` later, or earlier. */
export function step32(value: number, steps: number): number {
  return (value + steps) >>> 0;
}
