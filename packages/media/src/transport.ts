import { LodelineError } from "@lodeline/base";
import { BundledTransport } from "./bundled-transport.ts";
import { IceAgent } from "./ice/ice-agent.ts";
import type { IcePath } from "./ice/ice-types.ts";
import type { StunMessage } from "./ice/stun-message.ts";
import { answerSections, writeAnswer } from "./sdp/answer.ts";
import { type Offer, readOffer } from "./sdp/offer.ts";
import type { Section } from "./sdp/section.ts";
import type { TransportHost } from "./transport-host.ts";

/** One browser's bundled connection. The browser always offers and this side always answers. */
export class MediaTransport extends BundledTransport {
  protected readonly ice: IceAgent;
  /** The browser begins the association for data. */
  protected readonly connects = false;
  #fingerprints: string | undefined;
  #answering: Promise<unknown> = Promise.resolve();
  #version = 0;

  constructor(id: string, host: TransportHost) {
    super(id, host);
    this.ice = new IceAgent({
      random: host.random,
      timings: host.iceTimings,
      events: {
        onState: () => this.stateChanged(),
        onPath: (path) => this.pathChanged(path),
        onCredentials: (added, removed) => host.register(this, added, removed),
      },
    });
  }

  protected pathOf(number: number): IcePath | undefined {
    return this.host.pathOf(number);
  }

  protected routed(): void {
    this.host.routed(this);
  }

  /**
   * Answers an offer: the first, one with more sections, or one that restarts ICE.
   *
   * @returns The answer, with all our candidates in it, and what each section became.
   * @throws LodelineError `sdp/unusable` (with the line) or `media/closed`; what was negotiated before stands.
   */
  answer(offerSdp: string): Promise<{ readonly sdp: string; readonly sections: readonly Section[] }> {
    const answered = this.#answering.then(() => this.#answer(offerSdp));
    this.#answering = answered.catch(() => {});
    return answered;
  }

  async #answer(offerSdp: string): Promise<{ sdp: string; sections: readonly Section[] }> {
    this.checkOpen();
    const offer = readOffer(offerSdp);
    this.#checkContinues(offer, offerSdp);
    const { certificate, candidates } = await this.host.ready();
    this.checkOpen();
    const { videoCodecs } = this.host;
    const sections = answerSections(offer, { videoCodecs, ssrcsOf: (mid) => this.media.ssrcsOf(mid) });
    const dtlsRole = this.dtlsRole ?? offer.dtlsRole ?? this.host.dtlsRole;
    this.negotiated(offer, sections, { certificate, role: dtlsRole });
    const restarted = this.ice.accept(offer.ice, this.now());
    this.candidates.negotiated(
      offer.ice.usernameFragment,
      sections.map(({ mid }) => mid),
    );
    this.wakeNow();
    this.#version++;
    this.host.logger.debug("answered", {
      transport: this.id,
      sections: sections.length,
      version: this.#version,
      restarted,
    });
    const sdp = writeAnswer({
      offer,
      sections,
      sessionId: this.sessionId,
      version: this.#version,
      ice: this.ice.local,
      fingerprint: certificate.fingerprint,
      dtlsRole,
      candidates,
      cname: this.media.cname,
    });
    return { sdp, sections };
  }

  /** A later offer must be of the same browser connection. RFC 8829 section 5.8. */
  #checkContinues(offer: Offer, offerSdp: string): void {
    const fingerprints = offer.fingerprints.map(({ hash, value }) => `${hash} ${value}`).join(",");
    const line = (prefix: string) => {
      const lines = offerSdp.split(/\r?\n/);
      const at = lines.findIndex((text) => text.startsWith(prefix));
      return { field: `sdp:${at + 1}`, text: (lines[at] ?? "").slice(0, 120) };
    };
    if (this.#fingerprints !== undefined && fingerprints !== this.#fingerprints) {
      const { field, text } = line("a=fingerprint:");
      throw new LodelineError("sdp/unusable", {
        field,
        detail: `the certificate changed, which needs a new connection; ${JSON.stringify(text)}`,
      });
    }
    if (offer.sections.length < this.sections.length) {
      const { field, text } = line("m=");
      throw new LodelineError("sdp/unusable", {
        field,
        detail: `the offer has fewer sections than the one before; ${JSON.stringify(text)}`,
      });
    }
    this.#fingerprints = fingerprints;
  }

  /** A STUN message for this transport. For the engine only. @returns Whether it was authentic. */
  handleStun(message: StunMessage, path: IcePath): boolean {
    const authentic = this.ice.handle(message, path, this.now());
    if (authentic) this.wake(this.ice.deadlineMs);
    return authentic;
  }

  /**
   * A datagram from an address that is nobody's. For the engine only.
   *
   * @returns Whether it is authentic media of this connection, so that the address is now this transport's.
   */
  handleStray(bytes: Buffer, path: IcePath): boolean {
    return this.media.claims(bytes) && this.handleMedia(bytes, path);
  }
}
