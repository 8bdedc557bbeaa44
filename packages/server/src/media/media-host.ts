import type { MediaPort, ServerPeerPort } from "@lodeline/hub";
import type { SilenceFault } from "../faults.ts";

/** The media engine as the rest of the server sees it. */
export interface MediaHost {
  /** For the hub: sfu sessions, publications, subscriptions. */
  readonly port: MediaPort;
  /** For the hub: calls to the server itself. */
  readonly serverPeer: ServerPeerPort;
  /** Open transports, of sfu sessions and server-peer calls. */
  readonly transportCount: number;
  /**
   * Opens the media sockets, so that a wrong address shows at the start and the first join need not wait for them.
   *
   * @throws LodelineError `media/bind-failed`.
   */
  ready(): Promise<void>;
  /** Keeps a subscription's packets back. Nothing happens when there is no such subscription. */
  silence(fault: SilenceFault): void;
  /** Closes every transport and the engine's sockets. */
  close(): Promise<void>;
}
