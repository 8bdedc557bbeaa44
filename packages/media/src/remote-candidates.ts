import { LodelineError } from "@lodeline/base";

/** A trickled candidate as a browser's `RTCIceCandidate.toJSON()` gives it. */
export interface CandidateInit {
  readonly candidate?: string | undefined;
  readonly sdpMid?: string | null | undefined;
  readonly sdpMLineIndex?: number | null | undefined;
  readonly usernameFragment?: string | null | undefined;
}

/** Candidates taken in one ICE generation. */
const CANDIDATE_LIMIT = 100;
const CANDIDATE_LIMIT_BYTES = 1024;

interface Waiting {
  readonly candidate: CandidateInit | null;
  readonly resolve: () => void;
  readonly reject: (error: LodelineError) => void;
}

/**
 * Judges trickled candidates. We need none of them, since the browser checks our addresses and we answer where the
 * checks come from; but a wrong one shows a mixed-up negotiation and is told to the sender.
 */
export class RemoteCandidates {
  #usernameFragment: string | undefined;
  #mids: readonly string[] = [];
  #count = 0;
  #waiting: Waiting[] = [];
  /** Candidates taken so far, over all generations. */
  accepted = 0;

  /** An offer was answered: candidates of its generation fit from now on, and the early ones are judged. */
  negotiated(usernameFragment: string, mids: readonly string[]): void {
    if (usernameFragment !== this.#usernameFragment) this.#count = 0;
    this.#usernameFragment = usernameFragment;
    this.#mids = mids;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { candidate, resolve, reject } of waiting) {
      const error = this.#judge(candidate);
      if (error) reject(error);
      else resolve();
    }
  }

  /**
   * Takes a candidate; `null` or an empty one is the end of candidates. One that comes before the first offer waits.
   *
   * @throws LodelineError `candidate/refused`, `candidate/too-many`.
   */
  async add(candidate: CandidateInit | null): Promise<void> {
    if (this.#usernameFragment === undefined) {
      if (this.#waiting.length >= CANDIDATE_LIMIT) throw new LodelineError("candidate/too-many");
      return new Promise((resolve, reject) => this.#waiting.push({ candidate, resolve, reject }));
    }
    const error = this.#judge(candidate);
    if (error) throw error;
  }

  /** Nothing will be negotiated any more. */
  close(): void {
    for (const { reject } of this.#waiting) reject(new LodelineError("media/closed"));
    this.#waiting = [];
  }

  #judge(candidate: CandidateInit | null): LodelineError | undefined {
    if (candidate === null) return undefined;
    const { candidate: text = "", sdpMid, usernameFragment } = candidate;
    const named = usernameFragment ?? /(?:^| )ufrag (\S+)/.exec(text)?.[1];
    if (named !== undefined && named !== this.#usernameFragment)
      return refused("usernameFragment", "the candidate belongs to another negotiation");
    if (sdpMid !== undefined && sdpMid !== null && sdpMid !== "" && !this.#mids.includes(sdpMid)) {
      return refused("sdpMid", `no section has the mid ${JSON.stringify(sdpMid.slice(0, 32))}`);
    }
    if (text === "") return undefined;
    if (text.length > CANDIDATE_LIMIT_BYTES) return refused("candidate", "the candidate is too long");
    // foundation component transport priority address port "typ" type. RFC 8839 section 5.1.
    if (!/^(a=)?candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ (host|srflx|prflx|relay)( |$)/i.test(text))
      return refused("candidate", "the candidate is malformed");
    this.#count++;
    if (this.#count > CANDIDATE_LIMIT) return new LodelineError("candidate/too-many");
    this.accepted++;
    return undefined;
  }
}

function refused(field: string, detail: string): LodelineError {
  return new LodelineError("candidate/refused", { field, detail });
}
