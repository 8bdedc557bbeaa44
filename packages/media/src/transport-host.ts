import type { Logger, MonoMs } from "@lodeline/base";
import type { BundledTransport } from "./bundled-transport.ts";
import type { DtlsCertificate } from "./dtls/certificate.ts";
import type { DtlsRole } from "./dtls/dtls-link.ts";
import type { IceCredentials, IcePath, IceTimings } from "./ice/ice-types.ts";
import type { PlaneHost } from "./plane-owner.ts";
import type { CodecName } from "./sdp/codecs.ts";
import type { HostCandidate } from "./sdp/description.ts";
import type { MediaTransport } from "./transport.ts";

/** What a transport needs of its engine. */
export interface TransportHost extends Omit<PlaneHost, "wake"> {
  readonly logger: Logger;
  readonly videoCodecs: readonly CodecName[];
  readonly iceTimings: Partial<IceTimings> | undefined;
  /** Ours, where the offer leaves the choice to us. */
  readonly dtlsRole: DtlsRole;
  now(): MonoMs;
  /** Call the transport's `tick` no later than at this time. What is due earlier than it said before must be said. */
  wake(transport: BundledTransport, at: MonoMs): void;
  /** Our local addresses, best first. */
  readonly addresses: readonly string[];
  /** Makes the certificate, once. */
  certificate(): Promise<DtlsCertificate>;
  /** Opens the sockets that browsers connect to, and makes the certificate, once. */
  ready(): Promise<{ readonly certificate: DtlsCertificate; readonly candidates: readonly HostCandidate[] }>;
  /** Datagrams with these credentials are for this transport; or no longer. */
  register(transport: MediaTransport, added: IceCredentials | undefined, removed: IceCredentials | undefined): void;
  closed(transport: BundledTransport): void;
  /** The transport has a session in the packet kernel: media on its paths is for that. */
  routed(transport: MediaTransport): void;
  /** The path that the kernel names by a number. */
  pathOf(number: number): IcePath | undefined;
}
