import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import type { MonoMs } from "@lodeline/base";
import { ByteReader, Malformed, vector } from "./byte-reader.ts";
import { CIPHER_SUITES, type CipherSuite } from "./cipher-suites.ts";
import { DTLS_1_2 } from "./dtls-records.ts";
import {
  encodeCertificate,
  encodeCertificateRequest,
  encodeEcdhParams,
  encodeServerKeyExchange,
  HANDSHAKE,
  type HandshakeMessage,
  parseCertificate,
  parseCertificateVerify,
  parseClientKeyExchange,
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
  type ClientHello,
  EXTENSION,
  encodeHelloVerify,
  encodeServerHello,
  extension,
  numbersOf,
  parseClientHello,
  useSrtp,
} from "./hello-messages.ts";
import { createKeyAgreement, GROUP_IDS, type KeyAgreement } from "./key-agreement.ts";
import { certificateKey, ECDSA_SHA256, SIGNATURE_SCHEMES, signatureIsGood } from "./signature-schemes.ts";

const COOKIE_BYTES = 20;

/** "I know of secure renegotiation", among the cipher suites. RFC 5746 section 3.3. */
const RENEGOTIATION_SCSV = 0x00ff;

/** What a ClientHello and we agreed on. */
interface Agreed {
  readonly suite: CipherSuite;
  readonly group: number;
  readonly srtpProfile: number;
}

/** The server's side of a DTLS 1.2 handshake, which demands a certificate of the client. RFC 6347 section 4.2. */
export class ServerHandshake implements Handshake {
  readonly #options: HandshakeOptions;
  readonly #cookieSecret: Buffer | undefined;
  readonly #transcript = new HandshakeTranscript();
  readonly #random = randomBytes(32);
  #due: number = HANDSHAKE.clientHello;
  #clientRandom: Buffer = Buffer.alloc(0);
  #agreed: Agreed | undefined;
  #agreement: KeyAgreement | undefined;
  #clientKey: KeyObject | undefined;
  #secrets: HandshakeSecrets | undefined;

  /**
   * @param cookies - Whether a client must return a cookie before it is answered at any length (RFC 6347 section 4.2.1).
   * Behind ICE nothing is gained: whoever gets here has proven to be reached at its address.
   */
  constructor(options: HandshakeOptions, cookies: boolean) {
    this.#options = options;
    this.#cookieSecret = cookies ? randomBytes(32) : undefined;
  }

  start(): void {
    // The client speaks first.
  }

  handle(message: HandshakeMessage, now: MonoMs): void {
    if (message.type !== this.#due) throw new Malformed("a message that is not due");
    const { body } = message;
    switch (message.type) {
      case HANDSHAKE.clientHello:
        return this.#clientHello(message, parseClientHello(body), now);
      case HANDSHAKE.certificate:
        this.#certificate(parseCertificate(body));
        break;
      case HANDSHAKE.clientKeyExchange:
        return this.#clientKeyExchange(message);
      case HANDSHAKE.certificateVerify:
        this.#certificateVerify(body);
        break;
      default:
        return this.#finished(message, now);
    }
    this.#transcript.heard(message);
  }

  #clientHello(message: HandshakeMessage, hello: ClientHello, now: MonoMs): void {
    if (this.#cookieSecret !== undefined && !isCookieOf(this.#cookieSecret, hello)) {
      const cookie = encodeHelloVerify(cookieOf(this.#cookieSecret, hello));
      this.#options.flight.send([this.#transcript.say(HANDSHAKE.helloVerifyRequest, cookie)], now, false);
      return;
    }
    this.#agreed = this.#agree(hello);
    this.#clientRandom = hello.random;
    this.#transcript.restart();
    this.#transcript.heard(message);
    this.#answer(hello, this.#agreed, now);
    this.#due = HANDSHAKE.certificate;
  }

  #agree(hello: ClientHello): Agreed {
    const { extensions } = hello;
    // Counted downwards: 1.0 is 0xfeff, 1.2 is 0xfefd. A client of 1.3 says 1.2 here.
    if (hello.version > DTLS_1_2 || hello.version < 0xfe00)
      throw new HandshakeFailure(ALERT.protocolVersion, "no DTLS 1.2");
    const suite = CIPHER_SUITES.find(({ id, certificateKey: key }) => key === "ec" && hello.suites.includes(id));
    const groups = numbersOf(extensions, EXTENSION.supportedGroups);
    const group = GROUP_IDS.find((id) => groups.includes(id));
    const signs = numbersOf(extensions, EXTENSION.signatureAlgorithms).includes(ECDSA_SHA256);
    if (suite === undefined || group === undefined || !signs || !hello.compressions.includes(0))
      throw new HandshakeFailure(ALERT.handshakeFailure, "no cipher suite in common");
    if (!extensions.has(EXTENSION.extendedMasterSecret))
      throw new HandshakeFailure(ALERT.handshakeFailure, "no extended master secret");
    const srtp = new ByteReader(extensions.get(EXTENSION.useSrtp) ?? Buffer.alloc(2));
    const theirs = srtp.u16Vector(2);
    const srtpProfile = this.#options.srtpProfiles.find((profile) => theirs.includes(profile));
    if (srtpProfile === undefined) throw new HandshakeFailure(ALERT.handshakeFailure, "no SRTP profile in common");
    return { suite, group, srtpProfile };
  }

  #answer(hello: ClientHello, { suite, group, srtpProfile }: Agreed, now: MonoMs): void {
    const { certificate, flight } = this.#options;
    this.#agreement = createKeyAgreement(group);
    const params = encodeEcdhParams(group, this.#agreement.publicKey);
    const signed = signWith(certificate, Buffer.concat([hello.random, this.#random, params]));
    // A client may say it with a cipher suite, as OpenSSL does, and then wants to read it as well. RFC 5746 section 3.6.
    const isSecure = hello.extensions.has(EXTENSION.renegotiationInfo) || hello.suites.includes(RENEGOTIATION_SCSV);
    const extensions = [
      ...(isSecure ? [extension(EXTENSION.renegotiationInfo, vector(1))] : []),
      extension(EXTENSION.extendedMasterSecret),
      ...(hello.extensions.has(EXTENSION.pointFormats)
        ? [extension(EXTENSION.pointFormats, vector(1, Buffer.of(0)))]
        : []),
      useSrtp([srtpProfile]),
    ];
    const say = (type: number, body: Buffer) => this.#transcript.say(type, body);
    flight.send(
      [
        say(HANDSHAKE.serverHello, encodeServerHello(this.#random, suite.id, extensions)),
        say(HANDSHAKE.certificate, encodeCertificate(certificate.der)),
        say(HANDSHAKE.serverKeyExchange, encodeServerKeyExchange(params, signed)),
        say(HANDSHAKE.certificateRequest, encodeCertificateRequest(SIGNATURE_SCHEMES)),
        say(HANDSHAKE.serverHelloDone, Buffer.alloc(0)),
      ],
      now,
      true,
    );
  }

  #certificate(der: Buffer | undefined): void {
    if (der === undefined) throw new HandshakeFailure(ALERT.handshakeFailure, "no certificate");
    const problem = this.#options.judgeCertificate(der);
    if (problem !== undefined) throw new HandshakeFailure(ALERT.badCertificate, problem);
    this.#clientKey = certificateKey(der);
    if (this.#clientKey === undefined)
      throw new HandshakeFailure(ALERT.badCertificate, "a certificate of the wrong kind");
    this.#due = HANDSHAKE.clientKeyExchange;
  }

  #clientKeyExchange(message: HandshakeMessage): void {
    const premaster = (this.#agreement as KeyAgreement).agree(parseClientKeyExchange(message.body));
    this.#transcript.heard(message);
    const randoms = { client: this.#clientRandom, server: this.#random };
    const { suite } = this.#agreed as Agreed;
    this.#secrets = new HandshakeSecrets(suite, randoms, premaster, this.#transcript.bytes);
    const keys = this.#secrets.recordKeys();
    this.#options.records.protect(keys.server, keys.client);
    this.#due = HANDSHAKE.certificateVerify;
  }

  #certificateVerify(body: Buffer): void {
    const { scheme, signature } = parseCertificateVerify(body);
    const key = this.#clientKey;
    if (key === undefined || !signatureIsGood(key, scheme, this.#transcript.bytes, signature))
      throw new HandshakeFailure(ALERT.decryptError, "the handshake is not signed by the certificate");
    this.#due = HANDSHAKE.finished;
  }

  #finished(message: HandshakeMessage, now: MonoMs): void {
    const secrets = this.#secrets as HandshakeSecrets;
    const transcript = this.#transcript;
    if (!secrets.verifies("client", transcript.bytes, message.body))
      throw new HandshakeFailure(ALERT.decryptError, "the handshake was altered");
    transcript.heard(message);
    const finished = transcript.say(HANDSHAKE.finished, secrets.verifyData("server", transcript.bytes), true);
    // Nothing answers the last flight; a client that did not get it repeats its own.
    this.#options.flight.send([{ kind: "change-cipher-spec" }, finished], now, false);
    this.#due = 0;
    this.#options.onFinished({ secrets, srtpProfile: (this.#agreed as Agreed).srtpProfile });
  }
}

function cookieOf(secret: Buffer, { random, suites }: ClientHello): Buffer {
  return createHmac("sha256", secret).update(random).update(suites.join()).digest().subarray(0, COOKIE_BYTES);
}

function isCookieOf(secret: Buffer, hello: ClientHello): boolean {
  return hello.cookie.length === COOKIE_BYTES && timingSafeEqual(hello.cookie, cookieOf(secret, hello));
}
