import type { TeardownReceipt } from "@lodeline/client";

/** What became of devices and connections, in words. */
export function wordsOfReceipt(receipt: TeardownReceipt): string {
  if (!receipt.clean)
    return `Not everything could be released: ${receipt.left.join(", ")}. Closing this tab releases it.`;
  // A device may have been opened, and copied for sending, more than once: a person counts devices.
  const devices = new Set(receipt.tracks.map((track) => track.source)).size;
  const released =
    devices === 0
      ? "No device was in use"
      : devices === 1
        ? "One device was released"
        : `${devices} devices were released`;
  return `${released}; every connection is closed. It took ${Math.round(receipt.durationMs)} ms.`;
}
