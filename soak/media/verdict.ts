/** One reading of the server's resident memory. */
export interface MemoryReading {
  readonly atMs: number;
  readonly rssBytes: number;
}

/** What one receiver got, by sequence numbers. */
export interface ReceiverCount {
  /** From the first number that came to the newest. */
  readonly expected: number;
  readonly received: number;
  /** Of the media alone, without repairs and padding. */
  readonly media: number;
  readonly doubled: number;
  /** What its own socket dropped: lost in the load, not in the server. */
  readonly dropped: number;
}

/** Where packets were counted, in their order on the way. */
export interface Way {
  /** That the publisher's socket took. */
  readonly sent: number;
  /** That the server's socket dropped before the server saw them. */
  readonly droppedAtServer: number;
  /** That the server took in. */
  readonly taken: number;
  /** That it sent to the receiver that got the fewest and the most. */
  readonly forwardedLeast: number;
  readonly forwardedMost: number;
  /** That the system would not send. */
  readonly refused: number;
}

/** Growth over a run that is no growth: pages come and go. */
const GROWTH = { share: 0.05, bytes: 6 * 2 ** 20 } as const;

/** The rate counts as held down to this share of it. */
const HELD = 0.98;

/** How fast memory grows, by least squares over all readings but the first quarter, in which caches fill. */
export function memorySlope(readings: readonly MemoryReading[]): {
  readonly bytesPerMs: number;
  readonly meanBytes: number;
  readonly growthBytes: number;
  readonly flat: boolean;
} {
  const used = readings.slice(Math.floor(readings.length / 4));
  const mean = (of: (one: MemoryReading) => number) =>
    used.reduce((sum, one) => sum + of(one), 0) / Math.max(1, used.length);
  const middle = mean(({ atMs }) => atMs);
  const meanBytes = mean(({ rssBytes }) => rssBytes);
  const spread = mean(({ atMs }) => (atMs - middle) ** 2);
  const bytesPerMs = spread === 0 ? 0 : mean((one) => (one.atMs - middle) * (one.rssBytes - meanBytes)) / spread;
  const growthBytes = bytesPerMs * ((used.at(-1)?.atMs ?? 0) - (used[0]?.atMs ?? 0));
  return { bytesPerMs, meanBytes, growthBytes, flat: growthBytes <= Math.max(GROWTH.bytes, GROWTH.share * meanBytes) };
}

/** What was lost, and where. Everything must have been waited for. */
export function losses(
  way: Way,
  receivers: readonly ReceiverCount[],
): {
  /** Before the server had them. */
  readonly ahead: number;
  /** In the server: taken in, and not sent to everybody. */
  readonly inside: number;
  /** Behind the server, and not by a receiver's own socket. */
  readonly behind: number;
  /** By the receivers' own sockets. */
  readonly byLoad: number;
  readonly doubled: number;
  /** Nothing was lost that the server has to answer for, and nothing came twice. */
  readonly none: boolean;
} {
  const missing = receivers.map((one) => Math.max(0, way.forwardedLeast - one.media, one.expected - one.received));
  const behind = receivers.reduce((sum, one, at) => sum + Math.max(0, (missing[at] ?? 0) - one.dropped), 0);
  const ahead = Math.max(0, way.sent - way.taken);
  const inside = Math.max(0, way.taken - way.forwardedLeast) + way.refused;
  const byLoad = receivers.reduce((sum, { dropped }) => sum + dropped, 0);
  const doubled = receivers.reduce((sum, one) => sum + one.doubled, 0);
  return { ahead, inside, behind, byLoad, doubled, none: ahead + inside + behind + doubled === 0 };
}

/** Whether the load was what it was to be. */
export function heldRate(sent: number, wanted: number): boolean {
  return sent >= HELD * wanted;
}
