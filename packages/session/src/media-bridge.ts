/**
 * The media surface of one session: at most one sender and one receiver of each kind. It owns tracks and adapters and
 * knows nothing of calls or signals; the client implements it on `RTCRtpSender` and `RTCRtpReceiver`.
 *
 * @typeParam Track - The platform's `MediaStreamTrack`.
 * @typeParam Sender - The platform's sender, e.g. `RTCRtpSender`.
 * @typeParam Receiver - The platform's receiver, e.g. `RTCRtpReceiver`.
 */
export interface MediaBridge<Track, Sender, Receiver> {
  /** Undefined while the session sends no audio. */
  readonly audioSender: Sender | undefined;
  /** Undefined while the session sends no video. */
  readonly videoSender: Sender | undefined;
  /** Undefined while the remote sends no audio. */
  readonly audioReceiver: Receiver | undefined;
  /** Undefined while the remote sends no video. */
  readonly videoReceiver: Receiver | undefined;
  /**
   * Puts a track on the sender of its kind, without negotiation. It is enabled only while the session is `Active`.
   *
   * @param track - Stays the caller's, who stops it; `undefined` takes the present one off.
   */
  replaceTrack(kind: "audio" | "video", track: Track | undefined): void;
}
