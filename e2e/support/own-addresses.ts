import type { Person } from "./sdk-person.ts";

interface WatchedAddresses {
  /** When each address was first gathered, wall clock. */
  readonly seenAtMs: Record<string, number>;
  stop(): void;
}

type Page = { addresses: WatchedAddresses };

/**
 * Begins to ask the browser ten times a second which addresses it would gather: the soonest that any connection of the page
 * could know of a new one. The connections that ask are made in a frame, apart from those of the page.
 */
export async function watchAddresses(person: Person): Promise<void> {
  await person.run(() => {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const Connection = (frame.contentWindow as unknown as typeof globalThis).RTCPeerConnection;
    const seenAtMs: Record<string, number> = {};
    const ask = async () => {
      const connection = new Connection();
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.address && candidate.protocol === "udp") seenAtMs[candidate.address] ??= Date.now();
      };
      connection.createDataChannel("addresses");
      await connection.setLocalDescription();
      setTimeout(() => connection.close(), 500);
    };
    const timer = setInterval(() => void ask(), 100);
    const stop = () => {
      clearInterval(timer);
      setTimeout(() => frame.remove(), 600);
    };
    (globalThis as unknown as Page).addresses = { seenAtMs, stop };
  });
}

/** Ends the watch. @returns How long after `wallMs` an address came that was not there before; undefined when none did. */
export async function newAddressAfterMs(person: Person, wallMs: number): Promise<number | undefined> {
  const seenAtMs = await person.run(() => {
    const { addresses } = globalThis as unknown as Page;
    addresses.stop();
    return addresses.seenAtMs;
  });
  const later = Object.values(seenAtMs).filter((atMs) => atMs > wallMs);
  return later.length === 0 ? undefined : Math.min(...later) - wallMs;
}
