import type { MonoMs } from "@lodeline/base";
import { SRTP_PROFILE, type SrtpKeys, type SrtpProfile, srtpKeysFrom } from "../srtp/srtp-keys.ts";
import { Malformed } from "./byte-reader.ts";
import { type DtlsCertificate, FINGERPRINT_HASHES, fingerprintOf } from "./certificate.ts";
import { ClientHandshake } from "./client-handshake.ts";
import { DTLS_CONTENT, type DtlsRecord, DtlsRecords } from "./dtls-records.ts";
import { HandshakeFlight } from "./handshake-flight.ts";
import { HandshakeReassembly } from "./handshake-reassembly.ts";
import { ALERT, type Handshake, HandshakeFailure, type HandshakeResult } from "./handshake-session.ts";
import { ServerHandshake } from "./server-handshake.ts";

/** As `RTCDtlsTransportState`. */
export type DtlsState = "new" | "connecting" | "connected" | "failed" | "closed";

/** Who sends the ClientHello: `client` is `a=setup:active`. RFC 8842. */
export type DtlsRole = "client" | "server";

/** One `a=fingerprint` of the other side's description. */
export interface RemoteFingerprint {
  /** Lower case, such as `sha-256`. */
  readonly hash: string;
  /** Upper-case hex pairs with colons. */
  readonly value: string;
}

/** What {@link DtlsLink} tells its owner. */
export interface DtlsLinkEvents {
  readonly onState: (state: DtlsState, reason?: string) => void;
  /** SRTP may begin. Before `connected` is told. */
  readonly onKeys: (keys: SrtpKeys) => void;
  /** Application data: SCTP packets. */
  readonly onData: (bytes: Buffer) => void;
  readonly send: (bytes: Buffer) => void;
}

/** How long a handshake may take once there is a path. */
export const DTLS_TIMEOUT_MS = 30_000;

/** RFC 5764 section 4.2. */
const EXPORTER_LABEL = "EXTRACTOR-dtls_srtp";

const LEVEL = { warning: 1, fatal: 2 } as const;

/**
 * Which profiles are offered or taken, best first, when nothing else is asked for. As the server our order decides. As
 * the client the browser's would, and Chromium's begins with the ones that cost more: there the cheapest is all we offer.
 */
const PROFILES: Readonly<Record<DtlsRole, readonly SrtpProfile[]>> = {
  server: [SRTP_PROFILE.aeadAes128Gcm, SRTP_PROFILE.aeadAes256Gcm, SRTP_PROFILE.aes128CmHmacSha1Bits80],
  client: [SRTP_PROFILE.aeadAes128Gcm],
};

/**
 * DTLS 1.2 of one transport, in either role. RFC 6347, RFC 5764, RFC 8827 section 6.5.
 *
 * The other side must show the announced certificate and sign with its key. What is not authentic is dropped and
 * counted, alerts in clear too: forged bytes can delay a handshake, and neither end nor break a connection.
 */
export class DtlsLink {
  readonly #events: DtlsLinkEvents;
  readonly #fingerprints: readonly RemoteFingerprint[];
  readonly #role: DtlsRole;
  readonly #records = new DtlsRecords();
  readonly #reassembly = new HandshakeReassembly();
  readonly #flight: HandshakeFlight;
  readonly #handshake: Handshake;
  #state: DtlsState = "new";
  #timeoutAtMs: MonoMs = Infinity;
  #alertInClear: number | undefined;

  constructor(options: {
    readonly role: DtlsRole;
    readonly certificate: DtlsCertificate;
    readonly fingerprints: readonly RemoteFingerprint[];
    readonly events: DtlsLinkEvents;
    /** Protection profiles, best first. Default AES-128-GCM; as the server, the others after it. */
    readonly profiles?: readonly SrtpProfile[] | undefined;
    /** As the server: whether to ask for a cookie first. Default false: ICE has proven the address. */
    readonly cookies?: boolean | undefined;
  }) {
    this.#events = options.events;
    this.#fingerprints = options.fingerprints;
    this.#role = options.role;
    this.#flight = new HandshakeFlight(this.#records, (datagram) => this.#events.send(datagram));
    const handshake = {
      certificate: options.certificate,
      records: this.#records,
      flight: this.#flight,
      srtpProfiles: options.profiles ?? PROFILES[options.role],
      judgeCertificate: (der: Buffer) => this.#judge(der),
      onFinished: (result: HandshakeResult) => this.#finished(result),
    };
    this.#handshake =
      options.role === "client"
        ? new ClientHandshake(handshake)
        : new ServerHandshake(handshake, options.cookies ?? false);
  }

  get state(): DtlsState {
    return this.#state;
  }

  get role(): DtlsRole {
    return this.#role;
  }

  /** Records and messages that were forged, repeated or could not be understood. */
  get malformed(): number {
    return this.#records.refused + this.#reassembly.malformed;
  }

  /** How often a flight was sent again. */
  get retransmissions(): number {
    return this.#flight.retransmissions;
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    if (this.#state !== "connecting") return undefined;
    return Math.min(this.#timeoutAtMs, this.#flight.deadlineMs ?? Infinity);
  }

  /** There is a path: the client says hello, the server waits for it. Once. */
  start(now: MonoMs): void {
    if (this.#state !== "new") return;
    this.#timeoutAtMs = now + DTLS_TIMEOUT_MS;
    this.#setState("connecting");
    this.#handshake.start(now);
  }

  /** A DTLS datagram arrived. Nothing in it makes this throw. */
  handle(datagram: Buffer, now: MonoMs): void {
    if (this.#state === "new") this.start(now);
    const repeated = this.#reassembly.repeated;
    for (const record of this.#records.open(datagram)) this.#handleRecord(record, now);
    if (this.#reassembly.repeated > repeated && !this.#isOver()) this.#flight.peerRepeats(now);
  }

  #isOver(): boolean {
    return this.#state === "closed" || this.#state === "failed";
  }

  #handleRecord({ type, plain, isProtected }: DtlsRecord, now: MonoMs): void {
    if (this.#isOver()) return;
    if (type === DTLS_CONTENT.handshake) {
      // Once connected only repetitions of the peer's last flight mean anything, and they are protected.
      if (this.#state === "connecting" || isProtected) this.#reassembly.handle(plain, isProtected);
      this.#handleMessages(now);
    } else if (type === DTLS_CONTENT.alert) {
      this.#handleAlert(plain, isProtected);
    } else if (type === DTLS_CONTENT.applicationData && isProtected && this.#state === "connected") {
      this.#events.onData(plain);
    }
  }

  #handleMessages(now: MonoMs): void {
    while (this.#state === "connecting") {
      const message = this.#reassembly.poll();
      if (message === undefined) return;
      try {
        this.#handshake.handle(message, now);
      } catch (error) {
        if (error instanceof HandshakeFailure) return this.#fail(error.message, error.alert);
        if (!(error instanceof Malformed)) throw error;
        return this.#reassembly.reject();
      }
      for (const record of this.#records.openEarly()) this.#handleRecord(record, now);
    }
  }

  /** Any authentic alert is an end: close_notify, or fatal. RFC 8827 knows no warnings that go on. */
  #handleAlert(alert: Buffer, isProtected: boolean): void {
    const description = alert[1] ?? 0;
    if (!isProtected) {
      if (this.#state === "connecting") this.#alertInClear = description;
    } else if (this.#state === "connected") {
      this.#setState("closed");
    } else {
      this.#fail(`the other side ended the handshake (alert ${description})`);
    }
  }

  /** Sends what is due again. Call at {@link deadlineMs}. */
  tick(now: MonoMs): void {
    if (this.#state !== "connecting") return;
    if (now < this.#timeoutAtMs) return this.#flight.tick(now);
    const said = this.#alertInClear === undefined ? "" : `; it may have said alert ${this.#alertInClear}`;
    this.#fail(`no answer in ${DTLS_TIMEOUT_MS} ms${said}`);
  }

  /** Sends application data. Dropped, as by a lossy path, while there is no connection. */
  send(bytes: Uint8Array): void {
    if (this.#state === "connected") this.#events.send(this.#records.seal(DTLS_CONTENT.applicationData, bytes));
  }

  /** Says goodbye, so that the browser need not wait for its timeouts, and ends. */
  close(): void {
    if (this.#state === "connected") {
      this.#events.send(this.#records.seal(DTLS_CONTENT.alert, Buffer.of(LEVEL.warning, ALERT.closeNotify)));
    }
    this.#flight.stop();
    this.#setState("closed");
  }

  #judge(der: Buffer): string | undefined {
    const usable = this.#fingerprints.filter(({ hash }) => hash in FINGERPRINT_HASHES);
    const fits = usable.some(({ hash, value }) => fingerprintOf(der, hash) === value);
    return fits ? undefined : "the certificate does not fit its fingerprint";
  }

  #finished({ secrets, srtpProfile }: HandshakeResult): void {
    const profile = srtpProfile as SrtpProfile;
    this.#events.onKeys(srtpKeysFrom(profile, this.#role, (length) => secrets.export(EXPORTER_LABEL, length)));
    this.#setState("connected");
  }

  #fail(reason: string, alert?: number): void {
    if (alert !== undefined) this.#events.send(this.#records.clear(DTLS_CONTENT.alert, Buffer.of(LEVEL.fatal, alert)));
    this.#flight.stop();
    this.#setState("failed", reason);
  }

  #setState(state: DtlsState, reason?: string): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#events.onState(state, reason);
  }
}
