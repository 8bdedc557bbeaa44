import {
  kindOf,
  type Offer,
  type ReceiveSection,
  type SendSection,
  SOURCES,
  type Source,
  type TrackKind,
} from "@lodeline/protocol";
import type { LayeredEncoding } from "../devices/own-source.ts";
import { preferredCodecs } from "./codecs.ts";
import { encodingsFor } from "./encodings.ts";

/** One section on which something can arrive. */
export interface ReceiverSection {
  readonly mid: string;
  readonly kind: TrackKind;
  /** What the other side sends on it; `undefined` for a receive slot, whose content the slot table names. */
  readonly source: Source | undefined;
  /** The same for as long as the section lives. */
  readonly track: MediaStreamTrack;
}

/** Has what a section sends of a source, and what it receives, pass through the encryption. */
export type EncryptSection = (transceiver: RTCRtpTransceiver, source: Source | undefined, receives: boolean) => void;

/**
 * The sections of one connection: one for each own source, made up front so that publishing later needs no negotiation,
 * and in an sfu session the receive slots. Works on transceivers; knows nothing of tracks' content.
 */
export class Sections {
  readonly #connection: RTCPeerConnection;
  readonly #sfu: boolean;
  readonly #encrypt: EncryptSection | undefined;
  readonly #camera: LayeredEncoding[] | undefined;
  readonly #own = new Map<Source, RTCRtpTransceiver>();
  readonly #slots: RTCRtpTransceiver[] = [];

  /**
   * @param sfu - Own sections are `sendonly` with a simulcast camera; else `sendrecv`, one encoding each.
   * @param camera - In place of simulcast.
   */
  constructor(connection: RTCPeerConnection, sfu: boolean, encrypt?: EncryptSection, camera?: LayeredEncoding[]) {
    this.#connection = connection;
    this.#sfu = sfu;
    this.#encrypt = encrypt;
    this.#camera = camera;
  }

  /** Makes the offerer's own sections, in the order of `SOURCES`, without tracks. */
  addOwn(): void {
    for (const source of SOURCES) {
      const transceiver = this.#connection.addTransceiver(kindOf(source), {
        direction: this.#sfu ? "sendonly" : "sendrecv",
        sendEncodings: (this.#sfu && source === "camera" && this.#camera) || encodingsFor(source, this.#sfu),
      });
      if (this.#sfu) preferCodecs(transceiver, kindOf(source), this.#encrypt);
      this.#encrypt?.(transceiver, source, !this.#sfu);
      this.#own.set(source, transceiver);
    }
  }

  /** Makes receive slots until there are `count` of a kind. @returns Whether any had to be made. */
  growSlots(kind: TrackKind, count: number): boolean {
    const have = this.#slots.filter((slot) => slot.receiver.track.kind === kind).length;
    for (let made = have; made < count; made += 1) {
      const slot = this.#connection.addTransceiver(kind, { direction: "recvonly" });
      preferCodecs(slot, kind, this.#encrypt);
      this.#encrypt?.(slot, undefined, true);
      this.#slots.push(slot);
    }
    return have < count;
  }

  /** The answerer's part: binds own sources to the sections of an applied offer that carry the same source. */
  adopt(offer: Pick<Offer, "sends">): void {
    for (const { mid, source } of offer.sends) {
      const transceiver = this.#connection.getTransceivers().find((candidate) => candidate.mid === mid);
      if (!transceiver || transceiver.receiver.track.kind !== kindOf(source)) continue;
      transceiver.direction = "sendrecv";
      this.#encrypt?.(transceiver, source, true);
      this.#own.set(source, transceiver);
    }
  }

  /** Where an own source is sent. */
  sender(source: Source): RTCRtpSender | undefined {
    return this.#own.get(source)?.sender;
  }

  /** The section of an own source; null before it was negotiated. */
  midOf(source: Source): string | null {
    return this.#own.get(source)?.mid ?? null;
  }

  /** What an offer says of its sending sections. Call it when the local description is set: mids exist from then on. */
  sends(): SendSection[] {
    return [...this.#own].flatMap(([source, { mid }]) => (mid === null ? [] : [{ mid, source }]));
  }

  /** What an offer says of its receive slots. */
  receives(): ReceiveSection[] {
    return this.#slots.flatMap(({ mid, receiver }) =>
      mid === null ? [] : [{ mid, kind: receiver.track.kind as TrackKind }],
    );
  }

  /** Every section on which something can arrive. */
  receivers(): ReceiverSection[] {
    const slots = this.#slots.map((transceiver) => ({ transceiver, source: undefined }));
    const own = this.#sfu ? [] : [...this.#own].map(([source, transceiver]) => ({ transceiver, source }));
    return [...own, ...slots].flatMap(({ transceiver, source }) => {
      const { mid, receiver } = transceiver;
      return mid === null ? [] : [{ mid, kind: receiver.track.kind as TrackKind, source, track: receiver.track }];
    });
  }

  /** The receiver of a section, for what only receivers tell (loudness). */
  receiver(mid: string): RTCRtpReceiver | undefined {
    return this.#connection.getTransceivers().find((transceiver) => transceiver.mid === mid)?.receiver;
  }
}

/**
 * Keeps an offer to the server small. Between browsers each offers all it has: Firefox 153 leaves feedback lines behind
 * for payload types that were taken out, which Chromium refuses as unusable.
 */
function preferCodecs(transceiver: RTCRtpTransceiver, kind: TrackKind, encrypt: EncryptSection | undefined): void {
  const codecs = preferredCodecs(kind, RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [], encrypt !== undefined);
  // Firefox has it since 128; a browser without it offers all it has, which works and is only larger.
  if (codecs.length > 0 && "setCodecPreferences" in transceiver) transceiver.setCodecPreferences(codecs);
}
