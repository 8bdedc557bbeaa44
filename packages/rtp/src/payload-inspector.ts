import { av1StartsKeyFrame, h264StartsKeyFrame } from "./key-frame.ts";
import type { RtpPacket } from "./rtp-packet.ts";
import { Vp8Descriptor } from "./vp8-descriptor.ts";
import { Vp9Descriptor } from "./vp9-descriptor.ts";

/** Codecs whose payloads are understood; `opus` is passed on as it is. */
export type PayloadCodec = "opus" | "vp8" | "vp9" | "h264" | "av1";

/** What forwarding needs to know of a payload, whatever the codec. Reusable. */
export class PayloadInspector {
  readonly #vp8 = new Vp8Descriptor();
  readonly #vp9 = new Vp9Descriptor();
  /** A receiver may begin with this packet. Always true for audio. */
  keyFrame = false;
  pictureIdBits: 0 | 7 | 15 = 0;
  pictureId = 0;
  /** Relative to the payload. */
  pictureIdOffset = 0;
  hasTl0PicIdx = false;
  tl0PicIdx = 0;
  tl0PicIdxOffset = 0;
  /** Of VP8 with a picture id: the temporal layer, -1 where none is told. */
  temporalLayer = -1;
  /** A receiver that has all of the lowest temporal layer may take up this one here. */
  layerSync = false;
  /** The VP9 descriptor of this payload, where it has layer indices. */
  vp9: Vp9Descriptor | undefined;
  /** Pixels, where the payload tells; else 0. */
  width = 0;
  height = 0;

  /** Looks at the payload of `packet`. A malformed or empty payload is merely no key frame and has no picture id. */
  inspect(codec: PayloadCodec, packet: RtpPacket): void {
    this.keyFrame = codec === "opus";
    this.pictureIdBits = 0;
    this.hasTl0PicIdx = false;
    this.temporalLayer = -1;
    this.layerSync = false;
    this.vp9 = undefined;
    this.width = 0;
    this.height = 0;
    const { bytes, payloadOffset, payloadBytes } = packet;
    if (codec === "vp8" && this.#vp8.parse(bytes, payloadOffset, payloadBytes)) this.#takeVp8();
    else if (codec === "vp9" && this.#vp9.parse(bytes, payloadOffset, payloadBytes)) {
      this.#take(this.#vp9);
      if (this.#vp9.hasLayers && this.#vp9.pictureIdBits !== 0) this.vp9 = this.#vp9;
    }
    if (codec === "h264") this.keyFrame = h264StartsKeyFrame(bytes, payloadOffset, payloadBytes);
    else if (codec === "av1") this.keyFrame = av1StartsKeyFrame(bytes, payloadOffset, payloadBytes);
  }

  #takeVp8(): void {
    const { hasTemporalLayer, temporalLayer, layerSync, pictureIdBits } = this.#vp8;
    this.#take(this.#vp8);
    if (!hasTemporalLayer || pictureIdBits === 0) return;
    this.temporalLayer = temporalLayer;
    this.layerSync = layerSync;
  }

  #take(descriptor: Vp8Descriptor | Vp9Descriptor): void {
    this.keyFrame = descriptor.keyFrame;
    this.pictureIdBits = descriptor.pictureIdBits;
    this.pictureId = descriptor.pictureId;
    this.pictureIdOffset = descriptor.pictureIdOffset;
    this.hasTl0PicIdx = descriptor.hasTl0PicIdx;
    this.tl0PicIdx = descriptor.tl0PicIdx;
    this.tl0PicIdxOffset = descriptor.tl0PicIdxOffset;
    this.width = descriptor.width;
    this.height = descriptor.height;
  }
}
