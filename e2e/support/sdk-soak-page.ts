import { type Call, createClient, type LodelineClient, SERVER_PEER_IDENTITY } from "@lodeline/client";
import { bookConnections } from "./connection-book.ts";

/** What one call came to, at the tab's ends of it. */
export interface CallAccount {
  /** Everything that is not as it should be; empty when the call was good and its end clean. */
  readonly faults: readonly string[];
  readonly activeAfterMs: number;
  readonly tookMs: number;
}

/** Two people in one tab who call each other and the server, and keep nothing of a call that is over. */
export class SoakLab {
  readonly #people: LodelineClient[] = [];
  /** Tracks and connections of the present call. */
  #captured: MediaStreamTrack[] = [];
  #connections: RTCPeerConnection[] = [];

  constructor() {
    const { mediaDevices } = navigator;
    const { getUserMedia } = mediaDevices;
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await getUserMedia.call(mediaDevices, constraints);
      this.#captured.push(...stream.getTracks());
      return stream;
    };
    bookConnections((connection) => this.#connections.push(connection));
  }

  async open(url: string): Promise<void> {
    for (const name of ["ada", "ben"]) {
      const client = createClient({ url, name, storage: null });
      await client.connect();
      this.#people.push(client);
    }
  }

  async close(): Promise<void> {
    for (const client of this.#people.splice(0)) await client.close();
  }

  /** One call from its first ring to its receipts: to the server, or to each other, ended by either side. */
  async call(to: "server" | "person", endedBy: "caller" | "callee"): Promise<CallAccount> {
    this.#captured = [];
    this.#connections = [];
    const began = performance.now();
    const [ada, ben] = this.#people;
    if (!ada || !ben) throw new Error("open first");
    const calls: Call[] = [];
    const incoming = new Promise<Call>((resolve) => {
      const listening = ben.on("incoming", (call) => {
        listening[Symbol.dispose]();
        resolve(call);
      });
      if (to === "server") listening[Symbol.dispose]();
    });
    const wish = { audio: true, video: true };
    calls.push(await ada.call(to === "server" ? SERVER_PEER_IDENTITY : (ben.identity ?? ""), wish));
    if (to === "person") {
      const call = await incoming;
      call.accept(wish);
      calls.push(call);
    }
    await Promise.all(calls.map(flows));
    const activeAfterMs = performance.now() - began;
    const receipts = calls.map(ended);
    await (calls[endedBy === "callee" ? 1 : 0] ?? calls[0])?.hangup();
    const faults: string[] = [];
    for (const receipt of await Promise.all(receipts)) {
      if (receipt.reason !== "hangup") faults.push(`ended ${receipt.reason}`);
      if (!receipt.clean) faults.push(`left ${receipt.left}`);
    }
    if (this.#captured.length !== 2 * calls.length) faults.push(`${this.#captured.length} tracks captured`);
    for (const { kind, readyState } of this.#captured) if (readyState !== "ended") faults.push(`${kind} ${readyState}`);
    for (const { connectionState } of this.#connections)
      if (connectionState !== "closed") faults.push(`connection ${connectionState}`);
    if (ada.calls.size + ben.calls.size > 0) faults.push("a call is kept");
    this.#captured = [];
    this.#connections = [];
    return { faults, activeAfterMs, tookMs: performance.now() - began };
  }
}

/** Settles when sound and picture of the other side are decoded. */
function flows(call: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const listening = new AbortController();
    const check = () => {
      if (call.reason) reject(new Error(`ended before it flowed: ${call.reason}`));
      else if (call.receiving.audio && call.receiving.video) resolve();
      else return;
      listening.abort();
    };
    call.on("changed", check, listening);
    check();
  });
}

function ended(call: Call): Promise<{ reason: string; clean: boolean; left: readonly string[] }> {
  return new Promise((resolve) => {
    call.on("ended", ({ receipt }) => resolve(receipt));
  });
}

declare global {
  /** The page's side of a soak. */
  var soak: SoakLab;
}

globalThis.soak = new SoakLab();
