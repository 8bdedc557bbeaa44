import { createHmac, timingSafeEqual } from "node:crypto";
import type { MonoMs } from "@lodeline/base";
import { CHUNK, encodeParameter, parseParameters } from "./sctp-packet.ts";

/** Parameter types of INIT and INIT ACK. RFC 9260 section 3.3.3, RFC 5061 section 4.2.7, RFC 3758, RFC 9653. */
const PARAMETER = { stateCookie: 7, forwardTsn: 0xc000, supportedExtensions: 0x8008, zeroChecksum: 0x8001 } as const;

/** "The bytes were checked by DTLS". RFC 9653 section 8.2. */
const CHECKED_BY_DTLS = 1;

const FIXED_BYTES = 16;
const MAC_BYTES = 16;

/** A cookie older than this is not taken any more. RFC 9260 section 16. */
const COOKIE_LIFE_MS = 60_000;

/** What one end says of itself when it sets up an association. RFC 9260 section 3.3.2. */
export interface SctpInit {
  /** Which verification tag it wants to see. Never 0. */
  readonly tag: number;
  readonly windowBytes: number;
  readonly outgoingStreams: number;
  readonly incomingStreams: number;
  readonly initialTsn: number;
  /** Whether it can do without abandoned chunks. RFC 3758. */
  readonly forwardTsn: boolean;
  /** Whether it can reset streams. RFC 6525. */
  readonly reconfig: boolean;
  /** Whether it takes packets without a checksum. RFC 9653. */
  readonly zeroChecksum: boolean;
}

/** An INIT ACK, with the cookie that must come back. */
export interface SctpInitAck extends SctpInit {
  readonly cookie: Buffer | undefined;
}

/** The value of an INIT, or of an INIT ACK when there is a cookie. */
export function encodeInit(init: SctpInit, cookie?: Buffer): Buffer {
  const fixed = Buffer.alloc(FIXED_BYTES);
  fixed.writeUInt32BE(init.tag, 0);
  fixed.writeUInt32BE(init.windowBytes, 4);
  fixed.writeUInt16BE(init.outgoingStreams, 8);
  fixed.writeUInt16BE(init.incomingStreams, 10);
  fixed.writeUInt32BE(init.initialTsn, 12);
  const extensions = [...(init.reconfig ? [CHUNK.reconfig] : []), ...(init.forwardTsn ? [CHUNK.forwardTsn] : [])];
  const parts = [fixed, encodeParameter(PARAMETER.supportedExtensions, Buffer.from(extensions))];
  if (init.forwardTsn) parts.push(encodeParameter(PARAMETER.forwardTsn, Buffer.alloc(0)));
  if (init.zeroChecksum) parts.push(encodeParameter(PARAMETER.zeroChecksum, Buffer.of(0, 0, 0, CHECKED_BY_DTLS)));
  if (cookie) parts.push(encodeParameter(PARAMETER.stateCookie, cookie));
  return Buffer.concat(parts);
}

/** @returns `undefined` for what is malformed or breaks RFC 9260 section 3.3.2. */
export function parseInit(value: Buffer): SctpInitAck | undefined {
  if (value.length < FIXED_BYTES) return undefined;
  const parameters = parseParameters(value.subarray(FIXED_BYTES));
  const parameterOf = (type: number) => parameters.find((parameter) => parameter.type === type)?.value;
  const extensions = parameterOf(PARAMETER.supportedExtensions) ?? Buffer.alloc(0);
  const checksum = parameterOf(PARAMETER.zeroChecksum);
  const init = {
    tag: value.readUInt32BE(0),
    windowBytes: value.readUInt32BE(4),
    outgoingStreams: value.readUInt16BE(8),
    incomingStreams: value.readUInt16BE(10),
    initialTsn: value.readUInt32BE(12),
    forwardTsn: extensions.includes(CHUNK.forwardTsn) || parameterOf(PARAMETER.forwardTsn) !== undefined,
    reconfig: extensions.includes(CHUNK.reconfig),
    zeroChecksum: checksum?.length === 4 && checksum.readUInt32BE(0) === CHECKED_BY_DTLS,
    cookie: parameterOf(PARAMETER.stateCookie),
  };
  return init.tag === 0 || init.outgoingStreams === 0 || init.incomingStreams === 0 ? undefined : init;
}

/** Makes and judges the cookies of one end: what was said in INIT and INIT ACK, under a key. RFC 9260 section 5.1.3. */
export class StateCookies {
  readonly #secret: Buffer;

  /** @param secret - 32 random bytes. */
  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  encode(theirs: SctpInit, now: MonoMs): Buffer {
    const at = Buffer.alloc(8);
    at.writeDoubleBE(now);
    const content = Buffer.concat([at, encodeInit(theirs)]);
    return Buffer.concat([this.#mac(content), content]);
  }

  /** What the other side had said in its INIT; `undefined` when the cookie is not ours, or `"stale"`. */
  decode(cookie: Buffer, now: MonoMs): SctpInit | "stale" | undefined {
    if (cookie.length < MAC_BYTES + 8 + FIXED_BYTES) return undefined;
    const content = cookie.subarray(MAC_BYTES);
    if (!timingSafeEqual(cookie.subarray(0, MAC_BYTES), this.#mac(content))) return undefined;
    if (now - content.readDoubleBE(0) > COOKIE_LIFE_MS) return "stale";
    return parseInit(content.subarray(8));
  }

  #mac(content: Buffer): Buffer {
    return createHmac("sha256", this.#secret).update(content).digest().subarray(0, MAC_BYTES);
  }
}
