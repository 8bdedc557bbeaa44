import type { PlanStep } from "@lodeline/client";
import type { SdkLab } from "./sdk-page-script.ts";

/** One step of the two plans, and how a browser is made to fail in it. */
export interface BrokenStep {
  readonly step: PlanStep["step"];
  /** The failure is armed when this step is over; at once when there is none. */
  readonly after?: PlanStep["step"];
  /** What fails, once: a method or a setter (`object.name`), or `global.Name` for a constructor. */
  readonly fails: string;
}

/**
 * How each step that the browser performs is made to fail: by the browser's own interface that it works with. Steps that
 * only take stock fail by a state that cannot be read.
 */
export const BROKEN_START: readonly BrokenStep[] = [
  { step: "create-connection", fails: "global.RTCPeerConnection" },
  { step: "create-source", after: "open-devices", fails: "RTCPeerConnection.connectionState" },
  { step: "create-stream", after: "create-source", fails: "MediaStream.addTrack" },
  { step: "add-tracks", after: "create-stream", fails: "RTCPeerConnection.addTransceiver" },
  { step: "open-channel", after: "add-tracks", fails: "RTCPeerConnection.createDataChannel" },
  { step: "create-offer", after: "open-channel", fails: "RTCPeerConnection.createOffer" },
  { step: "apply-answer", after: "wait-answer", fails: "RTCPeerConnection.setRemoteDescription" },
  { step: "enable-tracks", after: "wait-connected", fails: "MediaStreamTrack.enabled" },
];

/** As {@link BROKEN_START}, for the seven of the end. */
export const BROKEN_STOP: readonly BrokenStep[] = [
  { step: "disable-tracks", fails: "MediaStreamTrack.enabled" },
  { step: "stop-source", after: "disable-tracks", fails: "MediaStreamTrack.stop" },
  { step: "wait-source-stopped", after: "disable-tracks", fails: "global.MessageChannel" },
  { step: "release-device", after: "wait-source-stopped", fails: "RTCPeerConnection.connectionState" },
  { step: "drop-stream", after: "release-device", fails: "MediaStream.removeTrack" },
  { step: "close-channel", after: "drop-stream", fails: "RTCDataChannel.close" },
  { step: "close-connection", after: "close-channel", fails: "RTCPeerConnection.close" },
];

/** Runs on the page: arms a failure. It happens once, and everything is as before afterwards. */
export function breakOnce(lab: SdkLab, { after, fails }: BrokenStep): void {
  const [owner = "", name = ""] = fails.split(".");
  const mend: (() => void)[] = [];
  const fail = (): never => {
    for (const one of mend.splice(0)) one();
    lab.note(`broken ${fails}`);
    throw new DOMException(`${fails} is broken.`, "OperationError");
  };
  const breakIn = (window: object) => {
    const holder = window as unknown as Record<string, { prototype: object } | undefined>;
    let on: object | undefined = owner === "global" ? window : holder[owner]?.prototype;
    while (on && !Object.hasOwn(on, name)) on = Object.getPrototypeOf(on);
    const original = on && Object.getOwnPropertyDescriptor(on, name);
    if (!on || !original) throw new Error(`nothing is called ${fails}`);
    const holds = on;
    // An attribute fails where it is set, or where it is read if it can only be read.
    const accessor = original.set ? { ...original, set: fail } : { ...original, get: fail };
    // A plain function can be called and constructed; it fails either way.
    const plain = {
      ...original,
      value: function broken() {
        fail();
      },
    };
    Object.defineProperty(holds, name, original.get ? accessor : plain);
    mend.push(() => Object.defineProperty(holds, name, original));
  };
  // A connection may be made by a frame of the page, and what hangs on it is of that frame's kind.
  const arm = () => {
    for (const window of new Set([globalThis, ...Array.from(frames, (_, at) => frames[at] ?? globalThis)]))
      breakIn(window);
  };
  lab.onStep = undefined;
  if (!after) return arm();
  lab.onStep = ({ step, plan }) => {
    if (step !== after || plan === "undo") return;
    lab.onStep = undefined;
    arm();
  };
}
