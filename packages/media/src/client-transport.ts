import { LodelineError } from "@lodeline/base";
import { BundledTransport } from "./bundled-transport.ts";
import { ClientIce } from "./client-ice.ts";
import { EnginePorts } from "./engine-ports.ts";
import type { IcePath } from "./ice/ice-types.ts";
import { parseCandidate } from "./ice/remote-candidate.ts";
import { parseStun } from "./ice/stun-message.ts";
import type { CandidateInit } from "./remote-candidates.ts";
import { proposeSections, type WantedSection, writeOffer } from "./sdp/own-offer.ts";
import { type Answer, agreedSections, readAnswer } from "./sdp/remote-answer.ts";
import type { Section } from "./sdp/section.ts";
import { UdpPath } from "./udp-port.ts";

/** An offer that waits for its answer. A newer offer takes its place. */
export interface PendingOffer {
  /** What the other side is to get. All our candidates are in it. */
  readonly sdp: string;
}

/** Why a {@link ClientTransport} has failed, and so what helps. */
export interface TransportFailure {
  /**
   * - `unreachable`: no candidate of theirs answered. Another offer tries again.
   * - `consent-lost`: they have been silent for too long, and nothing is sent any more. The next offer restarts ICE, and what
   *   flowed goes on. RFC 7675.
   * - `handshake-failed`: DTLS was not to be had, or by another certificate. Only a new transport helps.
   * - `ended`: they said goodbye. Only a new transport helps.
   */
  readonly reason: "unreachable" | "consent-lost" | "handshake-failed" | "ended";
  /** In words, for a log. */
  readonly detail: string;
}

/**
 * The client's end of a bundled connection to another WebRTC server: this side offers, connects and controls ICE. The other
 * end may be lite or full. What can be published and forwarded on it is as on any transport.
 */
export class ClientTransport extends BundledTransport {
  protected ice: ClientIce<ClientTransport> | undefined;
  protected readonly connects = true;
  readonly #ports: EnginePorts<ClientTransport> = new EnginePorts<ClientTransport>(
    this.host.kernel,
    false,
    (bytes, path) => {
      if (path instanceof UdpPath) this.#handle(bytes, path);
    },
  );
  #offering: Promise<unknown> = Promise.resolve();
  #pending: { readonly token: PendingOffer; readonly sections: readonly Section[] } | undefined;
  #answer: Answer | undefined;
  #version = 0;

  protected pathOf(number: number): IcePath | undefined {
    return this.#ports.pathOf(number);
  }

  protected routed(): void {
    this.#ports.reroute(this);
  }

  override get held(): { readonly sockets: number; readonly paths: number } {
    return { sockets: this.#ports.count, paths: this.#ports.pathCount };
  }

  /** Why the connection has failed; `undefined` while it has not. */
  get failure(): TransportFailure | undefined {
    const { ice, dtls, connection } = this.state;
    if (connection !== "failed") return undefined;
    if (dtls === "closed") return { reason: "ended", detail: "the other side ended the connection" };
    if (dtls === "failed") return { reason: "handshake-failed", detail: this.dtlsReason ?? "DTLS failed" };
    return ice === "failed" && this.ice?.wasConnected === true
      ? { reason: "consent-lost", detail: "the other side has fallen silent; the next offer restarts ICE" }
      : { reason: "unreachable", detail: "no candidate of the other side answered" };
  }

  /**
   * Waits until media may flow. ICE and DTLS have deadlines, so this ends.
   *
   * @throws LodelineError `session/connection-failed`, whose field is the reason in {@link failure}; `media/closed`;
   * `protocol/out-of-turn` before the first answer.
   */
  async connected(): Promise<void> {
    this.checkOpen();
    if (this.#answer === undefined)
      throw new LodelineError("protocol/out-of-turn", { detail: `no answer has come to ${this.id}` });
    const listening = new AbortController();
    await new Promise<void>((resolve, reject) => {
      const judge = () => {
        const { connection } = this.state;
        if (connection === "connected") resolve();
        if (connection === "failed") reject(errorOf(this.id, this.failure));
        if (connection === "closed") reject(new LodelineError("media/closed"));
      };
      this.on("state", judge, { signal: listening.signal });
      judge();
    }).finally(() => listening.abort());
  }

  /**
   * Makes an offer: the first, one with more sections or other directions, or one that restarts ICE. Nothing changes until
   * {@link accept} has its answer. The first opens a socket on each of the engine's addresses.
   *
   * @param wanted - All sections, those of earlier offers first and in their order.
   * @param options.iceRestart - Default false; where ICE has failed it is restarted anyway.
   * @throws LodelineError `media/bind-failed`, `media/closed`; `media/unknown-section` where a section of before is missing.
   */
  offer(wanted: readonly WantedSection[], options: { readonly iceRestart?: boolean } = {}): Promise<PendingOffer> {
    const offered = this.#offering.then(() => this.#offer(wanted, options.iceRestart === true));
    // Its caller is told why one failed; the next only waits for its end.
    this.#offering = offered.catch(() => {});
    return offered;
  }

  async #offer(wanted: readonly WantedSection[], iceRestart: boolean): Promise<PendingOffer> {
    this.checkOpen();
    const { videoCodecs, addresses } = this.host;
    const ssrcsOf = (mid: string) => this.media.ssrcsOf(mid);
    const sections = proposeSections(wanted, { before: this.sections, videoCodecs, ssrcsOf });
    const { fingerprint } = await this.host.certificate();
    this.ice ??= await this.#openIce();
    if (iceRestart || this.ice.state === "failed") this.ice.restart();
    const sdp = writeOffer({
      sections,
      sessionId: this.sessionId,
      version: ++this.#version,
      ice: this.ice.local,
      fingerprint,
      candidates: this.#ports.candidates(addresses),
      cname: this.media.cname,
    });
    const token: PendingOffer = { sdp };
    this.#pending = { token, sections };
    return token;
  }

  async #openIce(): Promise<ClientIce<ClientTransport>> {
    const { addresses, random, iceTimings } = this.host;
    const opened = await Promise.allSettled(addresses.map((address) => this.#ports.open(address, { min: 0, max: 0 })));
    try {
      const failed = opened.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
      this.checkOpen();
    } catch (error) {
      await this.#ports.close();
      throw error;
    }
    return new ClientIce<ClientTransport>({
      owner: this,
      ports: this.#ports,
      addresses,
      random,
      timings: iceTimings,
      events: { onState: () => this.stateChanged(), onPath: (path) => this.pathChanged(path) },
    });
  }

  /**
   * Takes the answer to an offer: ICE begins, or goes on. Candidates may be in it or follow by {@link addCandidate}.
   *
   * @param pending - The newest offer.
   * @returns What each section became.
   * @throws LodelineError `sdp/unusable` (with the line), `protocol/out-of-turn` for an offer that is not the newest or was
   * answered; what was negotiated before stands. `media/closed`.
   */
  async accept(pending: PendingOffer, answerSdp: string): Promise<readonly Section[]> {
    const certificate = await this.host.certificate();
    this.checkOpen();
    const { ice } = this;
    if (this.#pending?.token !== pending || ice === undefined)
      throw new LodelineError("protocol/out-of-turn", { detail: "a newer offer was made, or this one was answered" });
    const proposed = this.#pending.sections;
    const answer = readAnswer(answerSdp, proposed);
    this.#checkContinues(answer, ice);
    this.#pending = undefined;
    this.#answer = answer;
    const { videoCodecs } = this.host;
    const sections = agreedSections(answer, proposed, { videoCodecs, ssrcsOf: (mid) => this.media.ssrcsOf(mid) });
    this.negotiated(answer, sections, { certificate, role: answer.dtlsRole });
    ice.accept(answer.ice, answer.candidates, this.now());
    this.candidates.negotiated(
      answer.ice.usernameFragment,
      sections.map(({ mid }) => mid),
    );
    this.wakeNow();
    this.host.logger.debug("accepted", { transport: this.id, sections: sections.length, version: this.#version });
    return sections;
  }

  /** A later answer must be of the same connection of theirs. RFC 8829 section 5.11, RFC 8842 section 5.5. */
  #checkContinues({ fingerprints, dtlsRole, ice: remote }: Answer, ice: ClientIce<ClientTransport>): void {
    const before = this.#answer;
    const known = (one: { readonly value: string }) => before?.fingerprints.some(({ value }) => value === one.value);
    const wrong =
      before !== undefined && !fingerprints.every(known)
        ? "the certificate changed, which needs a new connection"
        : before !== undefined && dtlsRole !== before.dtlsRole
          ? "the role in DTLS changed, which needs a new connection"
          : ice.fits(remote)
            ? undefined
            : "the ICE credentials are new where ICE goes on, or old where it restarts";
    if (wrong !== undefined) throw new LodelineError("sdp/unusable", { detail: wrong });
  }

  override async addCandidate(candidate: CandidateInit | null): Promise<void> {
    await super.addCandidate(candidate);
    const parsed = parseCandidate(candidate?.candidate ?? "");
    if (parsed === undefined) return;
    this.ice?.add(parsed);
    this.wakeNow();
  }

  /** All that comes to its sockets is for it, or for nobody. RFC 7983 section 7. */
  #handle(bytes: Buffer, path: UdpPath<ClientTransport>): void {
    const first = bytes[0] ?? 0xff;
    if (first <= 3) {
      const message = parseStun(bytes);
      if (message && this.ice?.handle(message, path, this.now())) this.wake(this.ice.deadlineMs);
    } else if (path.owner === this) this.handleDatagram(bytes, path);
    else this.handleMedia(bytes, path);
  }

  protected override async release(): Promise<void> {
    await this.#ports.close();
  }
}

function errorOf(id: string, failure: TransportFailure | undefined): LodelineError {
  return new LodelineError("session/connection-failed", {
    field: failure?.reason,
    detail: `the transport ${id} has failed: ${failure?.detail}`,
  });
}
