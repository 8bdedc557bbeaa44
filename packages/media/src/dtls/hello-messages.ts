import { ByteReader, Malformed, u16Vector, uint, vector } from "./byte-reader.ts";
import { DTLS_1_2 } from "./dtls-records.ts";

/** Extensions that we send or look at. */
export const EXTENSION = {
  supportedGroups: 10,
  pointFormats: 11,
  signatureAlgorithms: 13,
  /** RFC 5764 section 4.1. */
  useSrtp: 14,
  /** RFC 7627. */
  extendedMasterSecret: 23,
  /** RFC 5746. */
  renegotiationInfo: 0xff01,
} as const;

/** More extensions than any client has. */
const EXTENSION_LIMIT = 64;

/** By number; the first of each counts, a second one is malformed. */
export type Extensions = ReadonlyMap<number, Buffer>;

/** A ClientHello, read for what we need. RFC 6347 section 4.2.1. */
export interface ClientHello {
  readonly version: number;
  /** 32 bytes. */
  readonly random: Buffer;
  readonly cookie: Buffer;
  readonly suites: readonly number[];
  readonly compressions: Buffer;
  readonly extensions: Extensions;
}

/** A ServerHello, read for what we need. */
export interface ServerHello {
  readonly version: number;
  readonly random: Buffer;
  readonly suite: number;
  readonly compression: number;
  readonly extensions: Extensions;
}

/** @throws Malformed */
export function parseClientHello(body: Buffer): ClientHello {
  const reader = new ByteReader(body);
  const version = reader.u16();
  const random = reader.bytes(32);
  if (reader.vector(1).length > 32) throw new Malformed("session id too long");
  const cookie = reader.vector(1);
  const suites = reader.u16Vector(2);
  const compressions = reader.vector(1);
  return { version, random, cookie, suites, compressions, extensions: parseExtensions(reader) };
}

/** Encodes our ClientHello; no session is ever resumed. */
export function encodeClientHello(
  random: Buffer,
  cookie: Buffer,
  suites: readonly number[],
  extensions: readonly Buffer[],
): Buffer {
  return Buffer.concat([
    uint(DTLS_1_2, 2),
    random,
    vector(1),
    vector(1, cookie),
    u16Vector(2, suites),
    vector(1, Buffer.of(0)),
    vector(2, ...extensions),
  ]);
}

/** @throws Malformed */
export function parseServerHello(body: Buffer): ServerHello {
  const reader = new ByteReader(body);
  const version = reader.u16();
  const random = reader.bytes(32);
  if (reader.vector(1).length > 32) throw new Malformed("session id too long");
  const suite = reader.u16();
  const compression = reader.u8();
  return { version, random, suite, compression, extensions: parseExtensions(reader) };
}

/** Encodes our ServerHello. */
export function encodeServerHello(random: Buffer, suite: number, extensions: readonly Buffer[]): Buffer {
  return Buffer.concat([uint(DTLS_1_2, 2), random, vector(1), uint(suite, 2), Buffer.of(0), vector(2, ...extensions)]);
}

/** The cookie of a HelloVerifyRequest. @throws Malformed */
export function parseHelloVerify(body: Buffer): Buffer {
  const reader = new ByteReader(body);
  reader.u16();
  const cookie = reader.vector(1);
  reader.end();
  return cookie;
}

/** Encodes a HelloVerifyRequest. RFC 6347 section 4.2.1: its version is DTLS 1.0, for the oldest clients' sake. */
export function encodeHelloVerify(cookie: Buffer): Buffer {
  return Buffer.concat([uint(0xfeff, 2), vector(1, cookie)]);
}

function parseExtensions(reader: ByteReader): Extensions {
  const extensions = new Map<number, Buffer>();
  if (reader.left === 0) return extensions;
  const list = new ByteReader(reader.vector(2));
  reader.end();
  while (list.left > 0) {
    const id = list.u16();
    const value = list.vector(2);
    if (extensions.has(id) || extensions.size >= EXTENSION_LIMIT) throw new Malformed(`extension ${id}`);
    extensions.set(id, value);
  }
  return extensions;
}

/** One extension. */
export function extension(id: number, ...value: readonly Uint8Array[]): Buffer {
  return Buffer.concat([uint(id, 2), vector(2, ...value)]);
}

/** `use_srtp` without an MKI. RFC 5764 section 4.1.1. */
export function useSrtp(profiles: readonly number[]): Buffer {
  return extension(EXTENSION.useSrtp, u16Vector(2, profiles), vector(1));
}

/** The numbers of an extension that is one vector of them; none where it is absent. @throws Malformed */
export function numbersOf(extensions: Extensions, id: number): number[] {
  const value = extensions.get(id);
  return value === undefined ? [] : new ByteReader(value).u16Vector(2);
}
