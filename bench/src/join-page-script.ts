import { createClient, type LodelineClient } from "@lodeline/client";

/** What the bench drives in a browser. */
export interface JoinLab {
  /** Joins and stays, sending. */
  publish(url: string, room: string): Promise<void>;
  /** Joins, waits for the first decoded frame of somebody else, leaves. @returns Ms from `join()` to that frame. */
  joinOnce(url: string, room: string): Promise<number>;
  /** The bound: two connections within this page, nothing between them. @returns Ms from the first call to a frame. */
  directOnce(): Promise<number>;
}

let client: LodelineClient | undefined;

const lab: JoinLab = {
  async publish(url, name) {
    client = createClient({ url, name: "publisher" });
    await client.join({ room: name, name: "publisher", microphone: true, camera: true });
  },
  async joinOnce(url, name) {
    // The camera is open already, as behind a page's preview: the figure is the call's, not the device's.
    const own = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
    const element = document.createElement("video");
    element.muted = true;
    document.body.append(element);
    const joiner = createClient({ url, name: "joiner", storage: null });
    const [microphone] = own.getAudioTracks();
    const [camera] = own.getVideoTracks();
    const started = performance.now();
    const shown = firstFrame(element);
    const joined = await joiner.join({ room: name, name: "joiner", microphone, camera });
    const show = () => {
      const [other] = joined.participants.values();
      if (!other || element.srcObject) return;
      element.srcObject = other.stream;
      void element.play();
    };
    joined.on("changed", show);
    show();
    const ms = (await shown) - started;
    await joined.leave();
    await joiner.close();
    element.remove();
    return ms;
  },
  async directOnce() {
    const own = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
    const element = document.createElement("video");
    element.muted = true;
    document.body.append(element);
    const shown = firstFrame(element);
    const started = performance.now();
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined);
    to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate ?? undefined);
    to.ontrack = ({ track }) => {
      if (track.kind !== "video") return;
      element.srcObject = new MediaStream([track]);
      void element.play();
    };
    for (const track of own.getTracks()) from.addTrack(track, own);
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription as RTCSessionDescription);
    const ms = (await shown) - started;
    from.close();
    to.close();
    for (const track of own.getTracks()) track.stop();
    element.remove();
    return ms;
  },
};

/** When the first frame was decoded and handed to be shown, on the page's own clock. */
function firstFrame(element: HTMLVideoElement): Promise<number> {
  return new Promise((resolve) => element.requestVideoFrameCallback(() => resolve(performance.now())));
}

Object.assign(globalThis, { lab });
