import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { connectionOnRoute } from "../src/peer/route-frame.ts";
import { RouteTrial } from "../src/peer/route-trial.ts";
import { installGlobal, restoreGlobals } from "./support/media.ts";

const CONFIGURATION: RTCConfiguration = { bundlePolicy: "max-bundle" };

describe("a connection on the machine's route", () => {
  afterEach(() => {
    // The one that is kept must not serve the next test.
    for (const frame of made.splice(0)) frame.isConnected = false;
    restoreGlobals();
  });

  it("[ROUTE1] is made by one frame that may use no device, and is of the page's own kind", () => {
    const { frames } = page({ denies: true });
    const first = connectionOnRoute(CONFIGURATION) as unknown as Connection;
    const second = connectionOnRoute(CONFIGURATION) as unknown as Connection;
    assert.deepEqual([first.by, second.by], ["frame", "frame"]);
    assert.ok(first instanceof RTCPeerConnection, "the page's own kind");
    assert.deepEqual(first.configuration, CONFIGURATION);
    assert.deepEqual(
      frames.map(({ allow, hidden }) => [allow, hidden]),
      [["camera 'none'; microphone 'none'", true]],
    );
  });

  it("[ROUTE1] so are the tracks that come in on it", () => {
    page({ denies: true });
    installGlobal("MediaStreamTrack", class {});
    const connection = connectionOnRoute(CONFIGURATION);
    const track = {};
    connection.dispatchEvent(Object.assign(new Event("track"), { track }));
    assert.ok(track instanceof MediaStreamTrack);
  });

  it("[ROUTE1] another frame is made where the first was taken away", () => {
    const { frames } = page({ denies: true });
    connectionOnRoute(CONFIGURATION);
    for (const frame of frames) frame.isConnected = false;
    assert.equal((connectionOnRoute(CONFIGURATION) as unknown as Connection).by, "frame");
    assert.equal(frames.length, 2);
  });

  it("[ROUTE2] is like any other where the denial is not understood, or there is no page", () => {
    page({ denies: false });
    assert.equal((connectionOnRoute(CONFIGURATION) as unknown as Connection).by, "page");
    const { frames } = page({});
    assert.equal((connectionOnRoute(CONFIGURATION) as unknown as Connection).by, "page");
    assert.equal(frames.length, 0, "no frame for nothing");
    installGlobal("document", undefined);
    assert.equal((connectionOnRoute(CONFIGURATION) as unknown as Connection).by, "page");
  });

  it("[ROUTE2] a constructor that a page has put in place of the browser's sees every connection", () => {
    const { frames } = page({ denies: true });
    let seen = 0;
    installGlobal(
      "RTCPeerConnection",
      class extends (RTCPeerConnection as unknown as typeof Connection) {
        constructor(configuration: RTCConfiguration) {
          super(configuration);
          seen++;
        }
      },
    );
    connectionOnRoute(CONFIGURATION);
    assert.deepEqual([seen, frames.length], [1, 0]);
  });
});

describe("a route that is tried", () => {
  it("[ROUTE3] leads nowhere once nothing has connected for more than 5 s, and never after it did", () => {
    const trial = new RouteTrial();
    trial.note("new", 0);
    assert.equal(trial.ledNowhere(60_000), false, "nobody has answered yet");
    trial.note("connecting", 60_000);
    trial.note("connecting", 64_000);
    assert.equal(trial.ledNowhere(65_000), false);
    assert.equal(trial.ledNowhere(65_001), true);
    trial.note("connected", 65_001);
    trial.note("disconnected", 70_000);
    trial.note("connecting", 71_000);
    assert.equal(trial.ledNowhere(99_000), false, "it has worked");
  });
});

interface Frame {
  allow: string;
  hidden: boolean;
  isConnected: boolean;
}

const made: Frame[] = [];

/** Stands for the browser's own constructor. */
class Connection extends EventTarget {
  readonly configuration: RTCConfiguration;
  /** Whose constructor ran. */
  by = "page";

  constructor(configuration: RTCConfiguration) {
    super();
    this.configuration = configuration;
  }
}

/** A page whose frames deny what they are told to, or do not; without `denies` it has no word for it. */
function page({ denies }: { denies?: boolean }) {
  const frames: Frame[] = [];
  const policy = (allows: boolean) => (denies === undefined ? undefined : { allowsFeature: () => allows });
  const createElement = () => ({
    allow: "",
    hidden: false,
    isConnected: false,
    contentDocument: { featurePolicy: policy(!denies) },
    contentWindow: { RTCPeerConnection: framed() },
  });
  const append = (frame: Frame) => {
    frame.isConnected = true;
    frames.push(frame);
    made.push(frame);
  };
  installGlobal("document", { createElement, featurePolicy: policy(true), documentElement: { append } });
  installGlobal("RTCPeerConnection", Connection);
  return { frames };
}

/** The same constructor in another realm: another function with another prototype. */
function framed() {
  return class extends EventTarget {
    readonly by = "frame";
    readonly configuration: RTCConfiguration;
    constructor(configuration: RTCConfiguration) {
      super();
      this.configuration = configuration;
    }
  };
}
