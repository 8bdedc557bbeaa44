import { type KeyObject, randomBytes } from "node:crypto";
import type { MonoMs } from "@lodeline/base";
import { ByteReader, Malformed, u16Vector, vector } from "./byte-reader.ts";
import { CIPHER_SUITES, type CipherSuite } from "./cipher-suites.ts";
import { DTLS_1_2 } from "./dtls-records.ts";
import type { FlightPart } from "./handshake-flight.ts";
import {
  encodeCertificate,
  encodeCertificateVerify,
  encodeClientKeyExchange,
  HANDSHAKE,
  type HandshakeMessage,
  parseCertificate,
  parseCertificateRequest,
  parseServerKeyExchange,
} from "./handshake-messages.ts";
import { HandshakeSecrets } from "./handshake-secrets.ts";
import {
  ALERT,
  type Handshake,
  HandshakeFailure,
  type HandshakeOptions,
  HandshakeTranscript,
  signWith,
} from "./handshake-session.ts";
import {
  EXTENSION,
  encodeClientHello,
  extension,
  parseHelloVerify,
  parseServerHello,
  type ServerHello,
  useSrtp,
} from "./hello-messages.ts";
import { createKeyAgreement, GROUP_IDS, type KeyAgreement } from "./key-agreement.ts";
import { certificateKey, ECDSA_SHA256, SIGNATURE_SCHEMES, signatureIsGood } from "./signature-schemes.ts";

/** A server that asks for another cookie each time is not followed for ever. */
const COOKIE_LIMIT = 3;

/** The client's side of a DTLS 1.2 handshake. RFC 5246 section 7.3, RFC 6347 section 4.2. */
export class ClientHandshake implements Handshake {
  readonly #options: HandshakeOptions;
  readonly #transcript = new HandshakeTranscript();
  readonly #random = randomBytes(32);
  #cookies = 0;
  /** Which messages may come next. */
  #due: readonly number[] = [HANDSHAKE.serverHello, HANDSHAKE.helloVerifyRequest];
  #serverRandom: Buffer = Buffer.alloc(0);
  #suite: CipherSuite | undefined;
  #srtpProfile = 0;
  #serverKey: KeyObject | undefined;
  #agreement: KeyAgreement | undefined;
  #premaster: Buffer = Buffer.alloc(0);
  #certificateWanted = false;
  #secrets: HandshakeSecrets | undefined;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  start(now: MonoMs): void {
    this.#hello(Buffer.alloc(0), now);
  }

  #hello(cookie: Buffer, now: MonoMs): void {
    this.#transcript.restart();
    const suites = CIPHER_SUITES.map(({ id }) => id);
    const body = encodeClientHello(this.#random, cookie, suites, [
      extension(EXTENSION.renegotiationInfo, vector(1)),
      extension(EXTENSION.extendedMasterSecret),
      extension(EXTENSION.supportedGroups, u16Vector(2, GROUP_IDS)),
      extension(EXTENSION.pointFormats, vector(1, Buffer.of(0))),
      extension(EXTENSION.signatureAlgorithms, u16Vector(2, SIGNATURE_SCHEMES)),
      useSrtp(this.#options.srtpProfiles),
    ]);
    this.#options.flight.send([this.#transcript.say(HANDSHAKE.clientHello, body)], now, true);
  }

  handle(message: HandshakeMessage, now: MonoMs): void {
    if (!this.#due.includes(message.type)) throw new Malformed("a message that is not due");
    const { body } = message;
    switch (message.type) {
      case HANDSHAKE.helloVerifyRequest:
        return this.#helloVerify(parseHelloVerify(body), now);
      case HANDSHAKE.serverHello:
        this.#serverHello(parseServerHello(body));
        break;
      case HANDSHAKE.certificate:
        this.#certificate(parseCertificate(body));
        break;
      case HANDSHAKE.serverKeyExchange:
        this.#serverKeyExchange(body);
        break;
      case HANDSHAKE.certificateRequest:
        this.#certificateRequest(parseCertificateRequest(body));
        break;
      case HANDSHAKE.serverHelloDone:
        this.#transcript.heard(message);
        return this.#answer(now);
      default:
        return this.#finished(body);
    }
    this.#transcript.heard(message);
  }

  #helloVerify(cookie: Buffer, now: MonoMs): void {
    this.#cookies++;
    if (this.#cookies > COOKIE_LIMIT) throw new HandshakeFailure(ALERT.handshakeFailure, "a cookie again and again");
    this.#hello(cookie, now);
  }

  #serverHello(hello: ServerHello): void {
    if (hello.version !== DTLS_1_2) throw new HandshakeFailure(ALERT.protocolVersion, "not DTLS 1.2");
    const suite = CIPHER_SUITES.find(({ id }) => id === hello.suite);
    if (suite === undefined || hello.compression !== 0)
      throw new HandshakeFailure(ALERT.illegalParameter, "a cipher suite that was not offered");
    // With it the keys cover the whole handshake (RFC 7627): nothing in it can be altered.
    if (!hello.extensions.has(EXTENSION.extendedMasterSecret))
      throw new HandshakeFailure(ALERT.handshakeFailure, "no extended master secret");
    this.#srtpProfile = this.#chosenProfile(hello);
    this.#suite = suite;
    this.#serverRandom = hello.random;
    this.#due = [HANDSHAKE.certificate];
  }

  /** RFC 5764 section 4.1.1: exactly one of ours, and no MKI, since we sent none. */
  #chosenProfile(hello: ServerHello): number {
    const value = hello.extensions.get(EXTENSION.useSrtp);
    if (value === undefined) throw new HandshakeFailure(ALERT.handshakeFailure, "no SRTP profile in common");
    const reader = new ByteReader(value);
    const [profile, ...others] = reader.u16Vector(2);
    const mki = reader.vector(1);
    if (profile === undefined || others.length > 0 || mki.length > 0 || !this.#options.srtpProfiles.includes(profile))
      throw new HandshakeFailure(ALERT.illegalParameter, "an SRTP profile that was not offered");
    return profile;
  }

  #certificate(der: Buffer | undefined): void {
    if (der === undefined) throw new HandshakeFailure(ALERT.handshakeFailure, "no certificate");
    const problem = this.#options.judgeCertificate(der);
    if (problem !== undefined) throw new HandshakeFailure(ALERT.badCertificate, problem);
    const key = certificateKey(der);
    if (key === undefined || key.asymmetricKeyType !== this.#suite?.certificateKey)
      throw new HandshakeFailure(ALERT.badCertificate, "a certificate of the wrong kind");
    this.#serverKey = key;
    this.#due = [HANDSHAKE.serverKeyExchange];
  }

  #serverKeyExchange(body: Buffer): void {
    const { group, publicKey, params, scheme, signature } = parseServerKeyExchange(body);
    const signed = Buffer.concat([this.#random, this.#serverRandom, params]);
    if (this.#serverKey === undefined || !signatureIsGood(this.#serverKey, scheme, signed, signature))
      throw new HandshakeFailure(ALERT.decryptError, "the key exchange is not signed by the certificate");
    if (!GROUP_IDS.includes(group)) throw new HandshakeFailure(ALERT.illegalParameter, "a group that was not offered");
    this.#agreement = createKeyAgreement(group);
    this.#premaster = this.#agreement.agree(publicKey);
    this.#due = [HANDSHAKE.certificateRequest, HANDSHAKE.serverHelloDone];
  }

  #certificateRequest(schemes: readonly number[]): void {
    if (!schemes.includes(ECDSA_SHA256))
      throw new HandshakeFailure(ALERT.handshakeFailure, "a signature that we cannot make is wanted");
    this.#certificateWanted = true;
    this.#due = [HANDSHAKE.serverHelloDone];
  }

  #answer(now: MonoMs): void {
    const { certificate, records, flight } = this.#options;
    const transcript = this.#transcript;
    const suite = this.#suite as CipherSuite;
    const parts: FlightPart[] = [];
    if (this.#certificateWanted) parts.push(transcript.say(HANDSHAKE.certificate, encodeCertificate(certificate.der)));
    const { publicKey } = this.#agreement as KeyAgreement;
    parts.push(transcript.say(HANDSHAKE.clientKeyExchange, encodeClientKeyExchange(publicKey)));
    const randoms = { client: this.#random, server: this.#serverRandom };
    const secrets = new HandshakeSecrets(suite, randoms, this.#premaster, transcript.bytes);
    if (this.#certificateWanted) {
      const proof = encodeCertificateVerify(signWith(certificate, transcript.bytes));
      parts.push(transcript.say(HANDSHAKE.certificateVerify, proof));
    }
    const keys = secrets.recordKeys();
    records.protect(keys.client, keys.server);
    parts.push({ kind: "change-cipher-spec" });
    parts.push(transcript.say(HANDSHAKE.finished, secrets.verifyData("client", transcript.bytes), true));
    this.#secrets = secrets;
    this.#due = [HANDSHAKE.finished];
    flight.send(parts, now, true);
  }

  #finished(verifyData: Buffer): void {
    const secrets = this.#secrets as HandshakeSecrets;
    if (!secrets.verifies("server", this.#transcript.bytes, verifyData))
      throw new HandshakeFailure(ALERT.decryptError, "the handshake was altered");
    this.#due = [];
    this.#options.flight.stop();
    this.#options.onFinished({ secrets, srtpProfile: this.#srtpProfile });
  }
}
