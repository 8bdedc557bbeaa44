import { createCipheriv, createDecipheriv } from "node:crypto";
import { ReplayWindow } from "@lodeline/rtp";

/** Content types. RFC 5246 section 6.2.1. */
export const DTLS_CONTENT = { alert: 21, handshake: 22, applicationData: 23 } as const;

/** Content type, version, epoch, sequence number, length. RFC 6347 section 4.1. */
const HEADER_BYTES = 13;
/** The part of the nonce that is sent. RFC 5288 section 3. */
const EXPLICIT_NONCE_BYTES = 8;
const TAG_BYTES = 16;
const DTLS_1_2 = 0xfefd;
const EPOCH = 1;

/**
 * Our first record number after the handshake. werift gives its Finished message a number of one digit in the same
 * epoch and then counts from 1 again: the same GCM nonce twice. Far above it, no number is used twice.
 */
const FIRST_SEQUENCE = 1000;

/** What protects one direction. RFC 5246 section 6.3, RFC 5288 section 3. */
export interface RecordKeys {
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** The 4 bytes of the nonce that are not sent. */
  readonly implicitNonce: Uint8Array;
}

/** One record as it was protected. */
export interface DtlsRecord {
  readonly type: number;
  readonly plain: Buffer;
}

/**
 * The record layer after the handshake: AES-128-GCM, each record accepted once, nothing in clear believed.
 * RFC 6347 section 4.1, RFC 5288. Takes over from werift's, which has no replay window and believes alerts in clear.
 */
export class DtlsRecords {
  readonly #local: RecordKeys;
  readonly #remote: RecordKeys;
  readonly #replay = new ReplayWindow(256);
  #sequence = FIRST_SEQUENCE;
  /** Records that were repeated, forged, in clear or malformed. */
  refused = 0;

  constructor(local: RecordKeys, remote: RecordKeys) {
    this.#local = { key: Uint8Array.from(local.key), implicitNonce: Uint8Array.from(local.implicitNonce) };
    this.#remote = { key: Uint8Array.from(remote.key), implicitNonce: Uint8Array.from(remote.implicitNonce) };
  }

  /** Protects one record. */
  seal(type: number, plain: Uint8Array): Buffer {
    const head = Buffer.alloc(HEADER_BYTES + EXPLICIT_NONCE_BYTES);
    head[0] = type;
    head.writeUInt16BE(DTLS_1_2, 1);
    head.writeUInt16BE(EPOCH, 3);
    head.writeUIntBE(this.#sequence++, 5, 6);
    head.writeUInt16BE(EXPLICIT_NONCE_BYTES + plain.length + TAG_BYTES, 11);
    head.copy(head, HEADER_BYTES, 3, 11);
    const cipher = createCipheriv("aes-128-gcm", this.#local.key, nonce(this.#local, head));
    cipher.setAAD(additional(head, plain.length));
    return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** The authentic records of a datagram, in order; the rest is counted and dropped. */
  open(datagram: Buffer): DtlsRecord[] {
    const records: DtlsRecord[] = [];
    let at = 0;
    while (at + HEADER_BYTES <= datagram.length) {
      const end = at + HEADER_BYTES + datagram.readUInt16BE(at + 11);
      if (end > datagram.length) break;
      const record = this.#openOne(datagram.subarray(at, end));
      if (record) records.push(record);
      else this.refused++;
      at = end;
    }
    if (at < datagram.length) this.refused++;
    return records;
  }

  #openOne(bytes: Buffer): DtlsRecord | undefined {
    const from = HEADER_BYTES + EXPLICIT_NONCE_BYTES;
    const to = bytes.length - TAG_BYTES;
    if (to < from || bytes.readUInt16BE(3) !== EPOCH) return undefined;
    const sequence = bytes.readUIntBE(5, 6);
    if (!this.#replay.check(sequence)) return undefined;
    const decipher = createDecipheriv("aes-128-gcm", this.#remote.key, nonce(this.#remote, bytes));
    decipher.setAAD(additional(bytes, to - from));
    decipher.setAuthTag(bytes.subarray(to));
    const plain = decipher.update(bytes.subarray(from, to));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    this.#replay.commit(sequence);
    return { type: bytes[0] as number, plain };
  }
}

function nonce(keys: RecordKeys, record: Buffer): Buffer {
  return Buffer.concat([keys.implicitNonce, record.subarray(HEADER_BYTES, HEADER_BYTES + EXPLICIT_NONCE_BYTES)]);
}

/** Epoch and number, type, version, length of the plain text. RFC 5246 section 6.2.3.3. */
function additional(record: Buffer, plainBytes: number): Buffer {
  const bytes = Buffer.alloc(13);
  record.copy(bytes, 0, 3, 11);
  record.copy(bytes, 8, 0, 3);
  bytes.writeUInt16BE(plainBytes, 11);
  return bytes;
}
