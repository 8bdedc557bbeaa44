import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";

/** A key that a server and its media process share. Only its id is ever sent. */
export interface MediaKey {
  readonly id: string;
  /** At least 32 signs that nobody can guess. */
  readonly secret: string;
}

/** The two ends of the link to a media process. */
export type LinkEnd = "control" | "media";

/** What both ends have said of themselves: every proof and key is over all of it. */
export interface Transcript {
  readonly version: number;
  /** The media process's nonce. */
  readonly media: string;
  /** The server's nonce. */
  readonly control: string;
}

/** Shows that this end holds the key. It differs for each end, so nobody can send back what was sent to him. */
export function proofOf(key: MediaKey, end: LinkEnd, transcript: Transcript): string {
  return derive(key, `proof of ${end}`, transcript).toString("hex");
}

/** Whether a proof is right, in a time that says nothing of it. */
export function isProof(given: string, key: MediaKey, end: LinkEnd, transcript: Transcript): boolean {
  const right = Buffer.from(proofOf(key, end, transcript));
  const claimed = Buffer.from(given);
  return claimed.byteLength === right.byteLength && timingSafeEqual(claimed, right);
}

const CIPHER = "aes-256-gcm";
const TAG_BYTES = 16;

/** One direction of a link: AES-256-GCM under a key of this connection alone, with a count for the nonce. */
export class Seal {
  readonly #secret: Buffer;
  #count = 0n;

  /** @param from - The end that sends in this direction. */
  constructor(key: MediaKey, from: LinkEnd, transcript: Transcript) {
    this.#secret = derive(key, `frames of ${from}`, transcript);
  }

  /** The next frame, sealed. */
  seal(plain: Uint8Array): Buffer {
    const cipher = createCipheriv(CIPHER, this.#secret, this.#nonce());
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** The next frame, opened; `undefined` when it is not what the other end sent next. */
  open(sealed: Uint8Array): Buffer | undefined {
    if (sealed.byteLength < TAG_BYTES) return undefined;
    const at = sealed.byteLength - TAG_BYTES;
    const cipher = createDecipheriv(CIPHER, this.#secret, this.#nonce(), { authTagLength: TAG_BYTES });
    cipher.setAuthTag(sealed.subarray(at));
    try {
      return Buffer.concat([cipher.update(sealed.subarray(0, at)), cipher.final()]);
    } catch {
      return undefined;
    }
  }

  #nonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(this.#count++, 4);
    return nonce;
  }
}

function derive(key: MediaKey, what: string, { version, media, control }: Transcript): Buffer {
  return createHmac("sha256", key.secret)
    .update(JSON.stringify(["lodeline media", what, version, media, control]))
    .digest();
}
