/** Decode targets that are told apart: as many as a dependency descriptor can have. */
export const TARGET_LIMIT = 32;

/** What a packet says of the frame that it is part of, whatever the codec: all that choosing among layers needs. */
export interface LayerFrame {
  /** The same for all packets of a frame, and higher for later frames. */
  readonly number: number;
  /** The same for all frames of one picture: its RTP timestamp. */
  readonly picture: number;
  readonly endOfFrame: boolean;
  /** A receiver may begin here. */
  readonly keyFrame: boolean;
  readonly spatialLayer: number;
  readonly temporalLayer: number;
  /** One `INDICATION` for each decode target. */
  readonly indications: ArrayLike<number>;
  /** How many numbers back each frame is that it refers to. */
  readonly frameDiffs: readonly number[];
  /** The decode target of which nothing may be missing for it to be decoded, where its references are not told; -1: none. */
  readonly base: number;
}
