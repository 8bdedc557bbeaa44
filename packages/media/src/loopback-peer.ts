import type { BundledTransport } from "./bundled-transport.ts";
import type { MediaEngine } from "./engine.ts";
import type { Forwarder } from "./forwarder.ts";
import type { Publication } from "./publication.ts";
import type { Section } from "./sdp/section.ts";

/** A server peer that answers with the caller's own sound, picture and messages. */
export interface LoopbackPeer extends Disposable {
  readonly publications: readonly Publication[];
  readonly forwarders: readonly Forwarder[];
  /** Data messages sent back so far. */
  readonly messagesEchoed: number;
  /** Ends it; the transport stays open and is the caller's. Idempotent. */
  close(): void;
}

/**
 * Echoes every section that goes both ways, packet for packet, without decoding. Key frames that the caller's
 * receiver needs are asked of the caller's sender. Messages come back on the channel they came by.
 *
 * @param sections - As {@link MediaTransport.answer} returned them.
 */
export function createLoopbackPeer(
  engine: MediaEngine,
  transport: BundledTransport,
  sections: readonly Section[],
): LoopbackPeer {
  const publications: Publication[] = [];
  const forwarders: Forwarder[] = [];
  for (const { mid, kind, direction, rejected } of sections) {
    if (kind === "application" || direction !== "sendrecv" || rejected) continue;
    const publication = engine.publish({ id: `${transport.id}/${mid}`, transport, mid, kind });
    publications.push(publication);
    forwarders.push(engine.forward({ id: `${transport.id}/${mid}/echo`, publication, transport, mid }));
  }
  let messagesEchoed = 0;
  const stop = new AbortController();
  const echo = (channel: (typeof transport.dataChannels)[number]) => {
    channel.on(
      "message",
      (message) => {
        if (channel.state !== "open") return;
        channel.send(message);
        messagesEchoed++;
      },
      { signal: stop.signal },
    );
  };
  transport.on("datachannel", echo, { signal: stop.signal });
  for (const channel of transport.dataChannels) echo(channel);
  const close = () => {
    stop.abort();
    for (const publication of publications) publication.close();
  };
  return {
    publications,
    forwarders,
    get messagesEchoed() {
      return messagesEchoed;
    },
    close,
    [Symbol.dispose]: close,
  };
}
