import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { ReplayWindow } from "@lodeline/rtp";
import type { CipherSuite } from "./cipher-suites.ts";

/** Content types. RFC 5246 section 6.2.1. */
export const DTLS_CONTENT = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

/** Content type, version, epoch, sequence number, length. RFC 6347 section 4.1. */
export const RECORD_HEADER_BYTES = 13;
/** The part of the nonce that is sent. RFC 5288 section 3. */
const EXPLICIT_NONCE_BYTES = 8;
const TAG_BYTES = 16;

/** What protecting adds to a record, its header included. */
export const RECORD_OVERHEAD_BYTES = RECORD_HEADER_BYTES + EXPLICIT_NONCE_BYTES + TAG_BYTES;

/** Version number of DTLS 1.2 (one's complement of 1.2). RFC 6347 section 4.1. */
export const DTLS_1_2 = 0xfefd;

/** Protected records that came before their keys, by reordering: kept up to so many, each no longer than a datagram. */
const EARLY_LIMIT = 8;
const EARLY_LIMIT_BYTES = 2048;

/** What protects one direction. RFC 5246 section 6.3, RFC 5288 section 3. */
export interface RecordKeys {
  readonly aead: CipherSuite["aead"];
  readonly key: Uint8Array;
  /** The 4 bytes of the nonce that are not sent. */
  readonly implicitNonce: Uint8Array;
}

/** One record as it was protected. */
export interface DtlsRecord {
  readonly type: number;
  readonly plain: Buffer;
  /** Whether it was authenticated: epoch 1. */
  readonly isProtected: boolean;
}

interface Direction {
  readonly aead: CipherSuite["aead"];
  readonly key: KeyObject;
  readonly implicitNonce: Buffer;
}

/**
 * The record layer: epoch 0 in clear for the handshake, epoch 1 under AES-GCM, where each record is accepted once.
 * RFC 6347 section 4.1, RFC 5288.
 */
export class DtlsRecords {
  readonly #replay = new ReplayWindow(256);
  readonly #sequences = [0, 0];
  #local: Direction | undefined;
  #remote: Direction | undefined;
  #early: Buffer[] = [];
  /** Records that were repeated, forged or malformed. */
  refused = 0;

  /** From now on {@link seal} works, and protected records are opened. */
  protect(local: RecordKeys, remote: RecordKeys): void {
    this.#local = directionOf(local);
    this.#remote = directionOf(remote);
  }

  /** Writes one record in clear. */
  clear(type: number, plain: Uint8Array): Buffer {
    const head = Buffer.alloc(RECORD_HEADER_BYTES);
    this.#writeHead(head, type, 0, plain.length);
    return Buffer.concat([head, plain]);
  }

  /** Protects one record. @throws TypeError before {@link protect}. */
  seal(type: number, plain: Uint8Array): Buffer {
    if (this.#local === undefined) throw new TypeError("seal: there are no keys yet");
    const { aead, key, implicitNonce } = this.#local;
    const head = Buffer.alloc(RECORD_HEADER_BYTES + EXPLICIT_NONCE_BYTES);
    this.#writeHead(head, type, 1, EXPLICIT_NONCE_BYTES + plain.length + TAG_BYTES);
    // Epoch and number as the explicit nonce: never twice under one key.
    head.copy(head, RECORD_HEADER_BYTES, 3, 11);
    const cipher = createCipheriv(aead, key, nonce(implicitNonce, head));
    cipher.setAAD(additional(head, plain.length));
    const sealed = cipher.update(plain);
    cipher.final();
    return Buffer.concat([head, sealed, cipher.getAuthTag()]);
  }

  #writeHead(head: Buffer, type: number, epoch: 0 | 1, lengthBytes: number): void {
    const sequence = this.#sequences[epoch] as number;
    this.#sequences[epoch] = sequence + 1;
    head[0] = type;
    head.writeUInt16BE(DTLS_1_2, 1);
    head.writeUInt16BE(epoch, 3);
    head.writeUIntBE(sequence, 5, 6);
    head.writeUInt16BE(lengthBytes, 11);
  }

  /** The records of a datagram, in order; what cannot be understood or believed is counted and dropped. */
  open(datagram: Buffer): DtlsRecord[] {
    const records: DtlsRecord[] = [];
    let at = 0;
    while (at + RECORD_HEADER_BYTES <= datagram.length) {
      const end = at + RECORD_HEADER_BYTES + datagram.readUInt16BE(at + 11);
      if (end > datagram.length) break;
      const record = this.#openOne(datagram.subarray(at, end));
      if (record) records.push(record);
      at = end;
    }
    if (at < datagram.length) this.refused++;
    return records;
  }

  /** The protected records that came before their keys. Call once {@link protect} was called. */
  openEarly(): DtlsRecord[] {
    const early = this.#early;
    this.#early = [];
    return early.flatMap((bytes) => this.#openOne(bytes) ?? []);
  }

  #openOne(bytes: Buffer): DtlsRecord | undefined {
    const epoch = bytes.readUInt16BE(3);
    if (bytes[1] === 0xfe && epoch === 0) {
      return { type: bytes[0] as number, plain: bytes.subarray(RECORD_HEADER_BYTES), isProtected: false };
    }
    if (epoch === 1 && this.#remote === undefined) return this.#keepEarly(bytes);
    const plain = epoch === 1 && this.#remote ? this.#decrypt(this.#remote, bytes) : undefined;
    if (plain === undefined) {
      this.refused++;
      return undefined;
    }
    return { type: bytes[0] as number, plain, isProtected: true };
  }

  #keepEarly(bytes: Buffer): undefined {
    if (this.#early.length >= EARLY_LIMIT || bytes.length > EARLY_LIMIT_BYTES) this.refused++;
    else this.#early.push(Buffer.from(bytes));
  }

  #decrypt({ aead, key, implicitNonce }: Direction, bytes: Buffer): Buffer | undefined {
    const from = RECORD_HEADER_BYTES + EXPLICIT_NONCE_BYTES;
    const to = bytes.length - TAG_BYTES;
    if (to < from) return undefined;
    const sequence = bytes.readUIntBE(5, 6);
    if (!this.#replay.check(sequence)) return undefined;
    const decipher = createDecipheriv(aead, key, nonce(implicitNonce, bytes));
    decipher.setAAD(additional(bytes, to - from));
    decipher.setAuthTag(bytes.subarray(to));
    const plain = decipher.update(bytes.subarray(from, to));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    this.#replay.commit(sequence);
    return plain;
  }
}

function directionOf({ aead, key, implicitNonce }: RecordKeys): Direction {
  return { aead, key: createSecretKey(key), implicitNonce: Buffer.from(implicitNonce) };
}

function nonce(implicit: Buffer, record: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(12);
  implicit.copy(bytes, 0);
  record.copy(bytes, 4, RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + EXPLICIT_NONCE_BYTES);
  return bytes;
}

/** Epoch and number, type, version, length of the plain text. RFC 5246 section 6.2.3.3. */
function additional(record: Buffer, plainBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(13);
  record.copy(bytes, 0, 3, 11);
  record.copy(bytes, 8, 0, 3);
  bytes.writeUInt16BE(plainBytes, 11);
  return bytes;
}
