import type { PeerSpec, SocketPort } from "@lodeline/participant";
import { SOURCES, type Source, type TrackKind } from "@lodeline/protocol";
import type { SessionInput } from "@lodeline/session";
import { deviceKinds, FakePeer, ownSections } from "./fake-peer.ts";
import type { SimulatedPersonOptions } from "./simulated-person-options.ts";

/** Sockets of a page: what they say reaches it when it runs. */
export function reaching(socket: SocketPort, run: (fn: () => void) => void): SocketPort {
  return {
    open: (handlers) =>
      socket.open({
        opened: () => run(() => handlers.opened()),
        text: (text) => run(() => handlers.text(text)),
        closed: (code, reason) => run(() => handlers.closed(code, reason)),
      }),
  };
}

/**
 * A fake peer for a session of a page.
 *
 * @param holder - In whose name it opens devices of its own.
 * @param live - Whether there is anything to send of a source.
 */
export function peerOfPage(
  options: SimulatedPersonOptions,
  spec: PeerSpec,
  feed: (input: SessionInput) => void,
  holder: string,
  live: (source: Source) => boolean,
): FakePeer {
  const { clock, chance, plane, host, devices, slots, violation, fails, tamper, run } = options;
  const kinds = deviceKinds(spec.audio, spec.video);
  const receives = (kind: TrackKind, first: number) =>
    Array.from({ length: slots }, (_, index) => ({ mid: String(first + index), kind }));
  return new FakePeer({
    clock,
    chance,
    plane,
    endpoint: host,
    session: spec.session,
    lite: false,
    feed: (input) => run(() => (tamper ? tamper(input, feed) : feed(input))),
    sends: ownSections(spec.use === "call" ? SOURCES.filter((source) => isOfCall(spec, source)) : SOURCES),
    receives: spec.use === "sfu" ? [...receives("audio", 4), ...receives("video", 4 + slots)] : [],
    adopts: spec.use !== "sfu",
    capture: spec.use === "call" ? { devices, holder, kinds } : undefined,
    live,
    fails,
    violation,
  });
}

function isOfCall(spec: PeerSpec, source: Source): boolean {
  return (source === "microphone" && spec.audio) || (source === "camera" && spec.video);
}
