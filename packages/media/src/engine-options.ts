import type { Clock, Logger, Random } from "@lodeline/base";
import type { DtlsRole } from "./dtls/dtls-link.ts";
import type { IceTimings } from "./ice/ice-types.ts";
import type { CodecName } from "./sdp/codecs.ts";
import type { HostCandidate } from "./sdp/description.ts";

/** Options of {@link createMediaEngine}. */
export interface MediaEngineOptions {
  readonly clock: Clock;
  /** Must be cryptographic outside tests: ICE passwords come from it. */
  readonly random: Random;
  /** Default: none. */
  readonly logger?: Logger | undefined;
  /**
   * Local addresses that browsers can reach, best first; each gets one socket and one candidate. Default
   * `["127.0.0.1"]`, which Chromium takes and Firefox does not: see {@link hostAddresses}.
   */
  readonly addresses?: readonly string[] | undefined;
  /** Ports to try for each address, in order; by default the system chooses. */
  readonly portRange?: { readonly min: number; readonly max: number } | undefined;
  /**
   * What answers offer in place of a socket's own address and port, where something stands before it (a relay, a NAT that
   * maps one to one). Called once for each socket, when it is open. Default: the socket's own.
   */
  readonly announce?: ((socket: HostCandidate) => Promise<HostCandidate>) | undefined;
  /** Video codecs to put first in answers. Default VP8, H.264, VP9, AV1. */
  readonly videoCodecs?: readonly CodecName[] | undefined;
  /**
   * Upper bound for a browser that sends simulcast video. Default: what its path carries, by transport-wide feedback, and
   * 3 Mbit/s for a browser that does not take it.
   */
  readonly simulcastBitrateBps?: number | undefined;
  /** Upper bound for a browser that sends one video layer. Default as above, 1.5 Mbit/s in place of 3. */
  readonly singleBitrateBps?: number | undefined;
  /**
   * Whether browsers may connect by TCP too, to the same port numbers, where UDP does not get through. Default false. Not
   * together with `announce`, which stands for UDP alone.
   */
  readonly tcp?: boolean | undefined;
  /** Our role in DTLS where the browser leaves the choice to us; see `README.md` for what was measured. Default `client`. */
  readonly dtlsRole?: DtlsRole | undefined;
  /**
   * Whether C moves the packets where set-up could build the packet kernel. Default true; the environment's
   * `LODELINE_NATIVE=0` is false.
   */
  readonly native?: boolean | undefined;
  /** Waits of ICE; defaults in {@link ICE_TIMINGS}. */
  readonly iceTimings?: Partial<IceTimings> | undefined;
}
