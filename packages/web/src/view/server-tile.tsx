import type { Call } from "@lodeline/client";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { usePulse } from "../state/pulse.ts";
import { Initials, Plate, TileFrame } from "./tile.tsx";
import { Truth } from "./truth.tsx";

/** The peer that lives on the server: it sends back what it hears and sees. Media is attached on `Active` alone. */
export function ServerTile({ call }: { call: Call }): JSX.Element {
  usePulse();
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const active = call.onActive(({ remoteStream }) => {
      const element = video.current;
      if (!element) return undefined;
      element.srcObject = remoteStream;
      void element.play().catch(() => {
        // Sound needs a gesture; the click that started the call is one. Where it does not count, the picture shows.
        element.muted = true;
        void element.play();
      });
      return () => {
        element.srcObject = null;
      };
    });
    return () => active[Symbol.dispose]();
  }, [call]);
  const { audio, video: picture } = call.receiving;
  return (
    <TileFrame name="Server peer" className="server" id="server-peer">
      {/* biome-ignore lint/a11y/useMediaCaption: one's own speech, sent back. */}
      <video ref={video} autoplay playsInline style={{ opacity: picture ? 1 : 0 }} />
      {!picture && <Initials name="Server Peer" />}
      <Plate name="Server peer" note={call.state === "Active" ? "sends back what you send" : "calling"}>
        <Truth source="microphone" words={audio ? "live" : "connecting"} />
        {call.wants.video && <Truth source="camera" words={picture ? "live" : "connecting"} />}
      </Plate>
    </TileFrame>
  );
}
