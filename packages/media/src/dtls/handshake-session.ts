import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { MonoMs } from "@lodeline/base";
import type { DtlsCertificate } from "./certificate.ts";
import type { DtlsRecords } from "./dtls-records.ts";
import type { FlightPart, HandshakeFlight } from "./handshake-flight.ts";
import { type DigitallySigned, encodeHandshake, type HandshakeMessage } from "./handshake-messages.ts";
import type { HandshakeSecrets } from "./handshake-secrets.ts";
import { ECDSA_SHA256 } from "./signature-schemes.ts";

/** Alert descriptions that we send. RFC 5246 section 7.2. */
export const ALERT = {
  closeNotify: 0,
  handshakeFailure: 40,
  badCertificate: 42,
  illegalParameter: 47,
  decryptError: 51,
  protocolVersion: 70,
} as const;

/** The handshake cannot succeed, whatever else arrives. Never leaves `dtls/`. */
export class HandshakeFailure extends Error {
  override readonly name = "HandshakeFailure";
  /** One of {@link ALERT}, for the other side. */
  readonly alert: number;

  constructor(alert: number, reason: string) {
    super(reason);
    this.alert = alert;
  }
}

/** What both roles of a handshake do. */
export interface Handshake {
  /** There is a path. */
  start(now: MonoMs): void;
  /**
   * Takes the next message.
   *
   * @throws Malformed when it cannot be read or is not due: it may come again.
   * @throws HandshakeFailure
   */
  handle(message: HandshakeMessage, now: MonoMs): void;
}

/** What a finished handshake agreed on. */
export interface HandshakeResult {
  readonly secrets: HandshakeSecrets;
  /** Number of the SRTP protection profile. */
  readonly srtpProfile: number;
}

/** What a handshake is given. */
export interface HandshakeOptions {
  readonly certificate: DtlsCertificate;
  readonly records: DtlsRecords;
  readonly flight: HandshakeFlight;
  /** SRTP protection profiles, best first. */
  readonly srtpProfiles: readonly number[];
  /** What is wrong with the certificate that the other side showed, if anything. */
  readonly judgeCertificate: (der: Buffer) => string | undefined;
  readonly onFinished: (result: HandshakeResult) => void;
}

/** The messages of one handshake so far, and the numbers of ours. */
export class HandshakeTranscript {
  #messages: Buffer[] = [];
  #nextSequence = 0;

  /** Everything so far, as it is hashed and signed: each message as if it was not fragmented. RFC 6347 section 4.2.6. */
  get bytes(): Buffer {
    return Buffer.concat(this.#messages);
  }

  /** Forgets what was said before the cookie. RFC 6347 section 4.2.1. */
  restart(): void {
    this.#messages = [];
  }

  /** A message of theirs counts. */
  heard(message: HandshakeMessage): void {
    this.#messages.push(encodeHandshake(message));
  }

  /** Makes a message of ours, which counts. */
  say(type: number, body: Buffer, isProtected = false): FlightPart {
    const message = { type, sequence: this.#nextSequence++, body };
    this.#messages.push(encodeHandshake(message));
    return { kind: "message", message, isProtected };
  }
}

const privateKeys = new WeakMap<DtlsCertificate, KeyObject>();

/** Signs with our certificate's key, by ECDSA and SHA-256. */
export function signWith(certificate: DtlsCertificate, bytes: Buffer): DigitallySigned {
  let key = privateKeys.get(certificate);
  if (key === undefined) {
    key = createPrivateKey(certificate.privateKeyPem);
    privateKeys.set(certificate, key);
  }
  return { scheme: ECDSA_SHA256, signature: sign("sha256", bytes, key) };
}
