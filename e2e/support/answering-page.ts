import type { Page } from "puppeteer-core";

/** What came to a page so far. */
export interface AnsweringPageReceived {
  readonly framesDecoded: number;
  readonly soundPackets: number;
  readonly iceConnectionState: string;
}

/** What is read of an `inbound-rtp` entry. */
interface InboundEntry {
  readonly type: string;
  readonly kind: string;
  readonly framesDecoded?: number;
  readonly packetsReceived: number;
}

/**
 * A browser as the end that answers: it sends a moving picture and a tone in whatever it is offered to send in, shows what it
 * gets, and answers each message on a channel with "..., too".
 */
export class AnsweringPage {
  readonly #page: Page;

  /** @param page - Blank. */
  constructor(page: Page) {
    this.#page = page;
  }

  /** @returns Its answer, with the candidates known by then. */
  answer(offer: string): Promise<string> {
    return this.#page.evaluate(async (sdp) => {
      const held = globalThis as unknown as { peer?: RTCPeerConnection };
      const open = () => {
        const peer = new RTCPeerConnection();
        peer.ondatachannel = ({ channel }) => {
          channel.onmessage = ({ data }) => channel.send(`${data}, too`);
        };
        peer.ontrack = ({ track }) => {
          const element = document.createElement(track.kind === "audio" ? "audio" : "video");
          element.srcObject = new MediaStream([track]);
          element.muted = true;
          void element.play();
          document.body.append(element);
        };
        return peer;
      };
      const isFirst = held.peer === undefined;
      held.peer ??= open();
      const { peer } = held;
      await peer.setRemoteDescription({ type: "offer", sdp });
      if (isFirst) {
        const canvas = document.createElement("canvas");
        const drawing = canvas.getContext("2d");
        let hue = 0;
        setInterval(() => {
          if (!drawing) return;
          drawing.fillStyle = `hsl(${++hue * 7} 80% 50%)`;
          drawing.fillRect(0, 0, canvas.width, canvas.height);
        }, 50);
        const context = new AudioContext();
        const sound = context.createMediaStreamDestination();
        const tone = context.createOscillator();
        tone.connect(sound);
        tone.start();
        const tracks = [...canvas.captureStream(20).getTracks(), ...sound.stream.getTracks()];
        for (const transceiver of peer.getTransceivers()) {
          transceiver.direction = "sendrecv";
          const track = tracks.find(({ kind }) => kind === transceiver.receiver.track.kind);
          await transceiver.sender.replaceTrack(track ?? null);
        }
      }
      await peer.setLocalDescription(await peer.createAnswer());
      return peer.localDescription?.sdp ?? "";
    }, offer);
  }

  /** What its connection received. */
  received(): Promise<AnsweringPageReceived> {
    return this.#page.evaluate(async () => {
      const { peer } = globalThis as unknown as { peer: RTCPeerConnection };
      let framesDecoded = 0;
      let soundPackets = 0;
      for (const [, entry] of (await peer.getStats()) as unknown as Map<string, InboundEntry>) {
        if (entry.type !== "inbound-rtp") continue;
        if (entry.kind === "video") framesDecoded += entry.framesDecoded ?? 0;
        else soundPackets += entry.packetsReceived;
      }
      return { framesDecoded, soundPackets, iceConnectionState: peer.iceConnectionState };
    });
  }
}
