import type { KernelPath } from "../kernel/kernel-session.ts";

/** Credentials of one side in one ICE generation. RFC 8445 section 5.3. */
export interface IceCredentials {
  readonly usernameFragment: string;
  readonly password: string;
}

/** Where the remote side is reached: one of our sockets and a remote address. Compared by identity. */
export interface IcePath {
  readonly address: string;
  readonly port: number;
  send(bytes: Uint8Array): void;
  /** The same path for the packet kernel; absent where the kernel cannot send on it. */
  readonly kernelPath?: KernelPath | undefined;
}

/** As `RTCIceTransportState`, for the side that never gathers. */
export type IceState = "new" | "checking" | "connected" | "disconnected" | "failed" | "closed";

/** All waits of ICE, in ms. */
export interface IceTimings {
  /** How often a selected path is asked for consent. RFC 7675 section 5.1 says 5 s; a shorter one notices loss sooner. */
  readonly consentIntervalMs: number;
  /** The same while nothing is heard. */
  readonly suspectIntervalMs: number;
  /** Silence after which the state is `disconnected`. */
  readonly disconnectedAfterMs: number;
  /** Silence after which the state is `failed`. RFC 7675 section 5.1: consent ends after 30 s. */
  readonly failedAfterMs: number;
  /** How long the first check may take to come. */
  readonly checkingTimeoutMs: number;
}

/** The waits of ICE where nothing else is asked for. */
export const ICE_TIMINGS: IceTimings = {
  consentIntervalMs: 2000,
  suspectIntervalMs: 500,
  disconnectedAfterMs: 5000,
  failedAfterMs: 30_000,
  checkingTimeoutMs: 30_000,
};

/** What {@link IceAgent} tells its owner. */
export interface IceAgentEvents {
  /** The state changed. */
  readonly onState: (state: IceState) => void;
  /** Packets go here from now on. */
  readonly onPath: (path: IcePath) => void;
  /** This generation's credentials are answered from now on. */
  readonly onCredentials: (added: IceCredentials | undefined, removed: IceCredentials | undefined) => void;
}
