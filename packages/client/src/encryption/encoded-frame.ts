/** The part of an encoded frame that is worked on. W3C webrtc-encoded-transform sections 4.2 and 5.2. */
export interface EncodedFrame {
  data: ArrayBuffer;
}

/** What a worker is handed for each transform. W3C webrtc-encoded-transform section 7. */
export interface ScriptTransformer {
  readonly options: unknown;
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  /** Receivers of video only: asks the sender for a key frame. */
  sendKeyFrameRequest?(): Promise<void>;
}
