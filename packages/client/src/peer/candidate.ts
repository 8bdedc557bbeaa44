import type { Candidate } from "@lodeline/protocol";

/** A gathered candidate as the protocol carries it. */
export function candidateOf(gathered: RTCIceCandidate): Candidate {
  return {
    candidate: gathered.candidate,
    sdpMid: gathered.sdpMid,
    sdpMLineIndex: gathered.sdpMLineIndex,
    usernameFragment: gathered.usernameFragment,
  };
}

/** The ICE user name fragment of a description's first section (RFC 8839 section 5.4); `undefined` when it has none. */
export function ufragOf(sdp: string): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}

/**
 * Which negotiation a gathered candidate belongs to. A restart gathers under a new user name fragment; a candidate of
 * the old one may still arrive after it.
 */
export class CandidateEpochs {
  readonly #byUfrag = new Map<string, number>();
  #latest = 0;

  /** Notes the local description of an epoch; call it before it is set, since gathering starts with setting it. */
  begin(epoch: number, sdp: string): void {
    this.#latest = epoch;
    const ufrag = ufragOf(sdp);
    if (ufrag !== undefined) this.#byUfrag.set(ufrag, epoch);
  }

  /** The epoch of a candidate; the latest where the browser does not name the fragment. */
  of(gathered: Pick<RTCIceCandidate, "usernameFragment">): number {
    const { usernameFragment } = gathered;
    return (usernameFragment ? this.#byUfrag.get(usernameFragment) : undefined) ?? this.#latest;
  }
}
