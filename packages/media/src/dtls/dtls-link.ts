import type { MonoMs } from "@lodeline/base";
import { DtlsClient } from "werift";
import { MASTER_KEY_BYTES, SRTP_PROFILE, type SrtpKeys, type SrtpProfile, saltBytes } from "../srtp/srtp-keys.ts";
import { type DtlsCertificate, FINGERPRINT_HASHES, fingerprintOf } from "./certificate.ts";
import { DTLS_CONTENT, DtlsRecords } from "./dtls-records.ts";
import { keyExchangeIsProven } from "./key-exchange-proof.ts";

/** As `RTCDtlsTransportState`. */
export type DtlsState = "new" | "connecting" | "connected" | "failed" | "closed";

/** One `a=fingerprint` of the offer. */
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

/** Handshake message types that matter here. RFC 5246 section 7.4. */
const SERVER_KEY_EXCHANGE = 12;

/**
 * While nothing has come back the ClientHello is repeated this often, on a sign of life of ICE. werift waits 500 ms,
 * which is all of it when the browser was not ready for the first.
 */
const HELLO_REPEAT_MS = 60;

/** Level warning, description close_notify. RFC 5246 section 7.2.1. */
const CLOSE_NOTIFY = Uint8Array.of(1, 0);

/** Past every flight of the handshake: ends werift's retransmission loop at its next turn. */
const NO_MORE_FLIGHTS = 99;

/**
 * The DTLS 1.2 client of one transport, around werift's handshake. RFC 5764, RFC 8827 section 6.5.
 *
 * We are the client (`a=setup:active`): measured faster than being the server, and it lets us offer AES-GCM alone,
 * which both browsers take. Adds what werift lacks: proof that the remote side holds the key of its certificate, and after the handshake
 * a record layer of our own.
 */
export class DtlsLink {
  readonly #events: DtlsLinkEvents;
  readonly #fingerprints: readonly RemoteFingerprint[];
  readonly #certificate: DtlsCertificate;
  readonly #profiles: readonly SrtpProfile[];
  readonly #keyExchanges: Buffer[] = [];
  #client: DtlsClient | undefined;
  #receive: ((bytes: Buffer) => void) | undefined;
  #records: DtlsRecords | undefined;
  #hello: Buffer | undefined;
  #helloAtMs: MonoMs = 0;
  #heard = false;
  /** Datagrams that could not be understood. */
  malformed = 0;
  #state: DtlsState = "new";

  constructor(options: {
    readonly certificate: DtlsCertificate;
    readonly fingerprints: readonly RemoteFingerprint[];
    readonly events: DtlsLinkEvents;
    /** Offered protection profiles, best first; AES-GCM alone by default. */
    readonly profiles?: readonly SrtpProfile[] | undefined;
  }) {
    this.#certificate = options.certificate;
    this.#fingerprints = options.fingerprints;
    this.#events = options.events;
    this.#profiles = options.profiles ?? [SRTP_PROFILE.aeadAes128Gcm];
  }

  get state(): DtlsState {
    return this.#state;
  }

  /** Sends the ClientHello, once. Call when there is a path. */
  start(now: MonoMs): void {
    if (this.#state !== "new") return;
    this.#helloAtMs = now;
    this.#setState("connecting");
    const client = this.#createClient();
    this.#client = client;
    const handle = client.onHandleHandshakes;
    client.onHandleHandshakes = (messages) => {
      for (const message of messages) {
        if (message.msg_type === SERVER_KEY_EXCHANGE) this.#keyExchanges.push(message.fragment);
      }
      return handle(messages);
    };
    client.onConnect.once(() => this.#connected());
    client.onError.subscribe((error) => this.#fail(String(error)));
    client.onClose.subscribe(() => this.#fail("the browser ended the handshake"));
    client.connect().catch((error: unknown) => this.#fail(String(error)));
  }

  #createClient(): DtlsClient {
    const setReceive = (fn: (bytes: Buffer) => void) => {
      this.#receive = fn;
    };
    return new DtlsClient({
      cert: this.#certificate.certificatePem,
      key: this.#certificate.privateKeyPem,
      signatureHash: this.#certificate.signatureHash,
      srtpProfiles: [...this.#profiles],
      extendedMasterSecret: true,
      transport: {
        type: "lodeline",
        address: ["0.0.0.0", 0],
        closed: false,
        set onData(fn: (bytes: Buffer) => void) {
          setReceive(fn);
        },
        send: async (bytes: Buffer) => {
          this.#hello ??= bytes;
          if (this.#state !== "closed") this.#events.send(bytes);
        },
        close: async () => {},
      } as never,
    });
  }

  /** A DTLS datagram arrived. */
  handle(bytes: Buffer): void {
    this.#heard = true;
    if (this.#state === "closed" || this.#state === "failed") return;
    if (this.#records) return this.#handleRecords(this.#records, bytes);
    try {
      this.#receive?.(bytes);
    } catch {
      this.malformed++;
    }
  }

  #handleRecords(records: DtlsRecords, datagram: Buffer): void {
    for (const { type, plain } of records.open(datagram)) {
      if (type === DTLS_CONTENT.applicationData) this.#events.onData(plain);
      // Any alert is an end: close_notify, or fatal. RFC 8827 knows no warnings that go on.
      else if (type === DTLS_CONTENT.alert) this.#setState("closed");
    }
  }

  /** The path is alive: repeats the ClientHello when it seems to be lost. The same bytes, so a second one is ignored. */
  pathAlive(now: MonoMs): void {
    if (this.#heard || this.#state !== "connecting" || this.#hello === undefined) return;
    if (now < this.#helloAtMs + HELLO_REPEAT_MS) return;
    this.#helloAtMs = now;
    this.#events.send(this.#hello);
  }

  /** Sends application data. Dropped, as by a lossy path, while there is no connection. */
  send(bytes: Buffer): void {
    if (this.#state === "connected" && this.#records) {
      this.#events.send(this.#records.seal(DTLS_CONTENT.applicationData, bytes));
    }
  }

  /** Says goodbye, so that the browser need not wait for its timeouts, and ends. */
  close(): void {
    if (this.#state === "connected" && this.#records) {
      this.#events.send(this.#records.seal(DTLS_CONTENT.alert, CLOSE_NOTIFY));
    }
    if (this.#client) this.#client.dtls.flight = NO_MORE_FLIGHTS;
    this.#receive = undefined;
    this.#setState("closed");
  }

  #connected(): void {
    const problem = this.#problem();
    if (problem !== undefined) return this.#fail(problem);
    this.#records = this.#takeOverRecords();
    this.#events.onKeys(this.#exportKeys());
    this.#setState("connected");
  }

  /** What is wrong with the finished handshake, if anything. */
  #problem(): string | undefined {
    const { cipher, dtls, srtp } = this.#client as DtlsClient;
    const certificate = cipher.remoteCertificate;
    if (certificate === undefined) return "no certificate";
    if (srtp.srtpProfile === undefined) return "no SRTP profile in common";
    // With the extended master secret the keys cover the whole handshake (RFC 7627): nothing in it can be altered.
    if (!dtls.remoteExtendedMasterSecret) return "no extended master secret";
    const usable = this.#fingerprints.filter(({ hash }) => hash in FINGERPRINT_HASHES);
    if (!usable.some(({ hash, value }) => fingerprintOf(certificate, hash) === value))
      return "certificate does not fit its fingerprint";
    const clientRandom = cipher.localRandom.serialize();
    const serverRandom = cipher.remoteRandom.serialize();
    const proven = (body: Buffer) => keyExchangeIsProven(body, certificate, clientRandom, serverRandom);
    if (this.#keyExchanges.length === 0 || !this.#keyExchanges.every(proven))
      return "key exchange is not signed by the certificate";
    return undefined;
  }

  #takeOverRecords(): DtlsRecords {
    const { cipher } = (this.#client as DtlsClient).cipher;
    const keys = (key: Buffer | undefined, nonce: Buffer | undefined) => {
      if (key === undefined || nonce === undefined) throw new Error("the handshake left no keys");
      return { key, implicitNonce: nonce.subarray(0, 4) };
    };
    return new DtlsRecords(
      keys(cipher.clientWriteKey, cipher.clientNonce),
      keys(cipher.serverWriteKey, cipher.serverNonce),
    );
  }

  #exportKeys(): SrtpKeys {
    const client = this.#client as DtlsClient;
    const profile = client.srtp.srtpProfile as SrtpProfile;
    const keys = client.extractSessionKeys(MASTER_KEY_BYTES, saltBytes(profile));
    return {
      profile,
      local: { key: keys.localKey, salt: keys.localSalt },
      remote: { key: keys.remoteKey, salt: keys.remoteSalt },
    };
  }

  #fail(reason: string): void {
    if (this.#state === "closed") return;
    if (this.#client) this.#client.dtls.flight = NO_MORE_FLIGHTS;
    this.#setState("failed", reason);
  }

  #setState(state: DtlsState, reason?: string): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#events.onState(state, reason);
  }
}
