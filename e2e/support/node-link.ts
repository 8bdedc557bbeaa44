import { type Clock, cryptoRandom, systemClock, type Timer } from "@lodeline/base";
import { type ClientMessage, DEFAULT_TIMERS, type ServerMessage, SUBPROTOCOL, type Timers } from "@lodeline/protocol";
import { ClientLink, type ClientLinkState } from "@lodeline/signaling";
import { WebSocket } from "ws";

/** The time of this process. */
export const nodeClock: Clock = systemClock({
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
});

/** The link that browsers run, on real sockets of Node: it reconnects and resumes by itself. */
export class NodeLink implements Disposable {
  readonly link: ClientLink;
  readonly identity: string;
  /** Sockets it has had. */
  sockets = 0;
  /** New links although there was one: messages may be lost then. */
  renewed = 0;
  readonly states: ClientLinkState[] = [];
  onMessage: (message: ServerMessage) => void = () => {};
  /** After anything has happened: there may be room for more. */
  onChange: () => void = () => {};
  readonly #url: string;
  #socket: WebSocket | undefined;
  #timer: Timer | undefined;
  #draining = false;

  /** @param timers - Where they differ from the defaults. */
  constructor(url: string, identity: string, token: string, timers: Partial<Timers> = {}) {
    this.#url = url;
    this.identity = identity;
    this.link = new ClientLink({
      timers: { ...DEFAULT_TIMERS, ...timers },
      random: cryptoRandom((into) => crypto.getRandomValues(into)),
      credentials: () => ({ name: identity, token }),
    });
    this.link.open(nodeClock.now());
    this.#drain();
  }

  send(message: ClientMessage): void {
    this.link.send(message, nodeClock.now());
    this.#drain();
  }

  close(): void {
    this.onChange = () => {};
    this.link.close("test-over", nodeClock.now());
    this.#drain();
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.onChange = () => {};
    this.#socket?.terminate();
    this.#socket = undefined;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let output = this.link.poll(); output; output = this.link.poll()) {
      if (output.kind === "open-socket") this.#open();
      else if (output.kind === "text") this.#socket?.send(output.text);
      else if (output.kind === "message") this.onMessage(output.message);
      else if (output.kind === "renewed") this.renewed++;
      else if (output.kind === "state") this.states.push(output.state);
      else if (output.kind === "close-socket") {
        this.#socket?.close(1000, output.reason);
        this.#socket = undefined;
      }
    }
    this.#draining = false;
    this.#timer?.cancel();
    const at = this.link.deadline();
    this.#timer =
      at === undefined ? undefined : nodeClock.at(at, () => this.#feed(() => this.link.tick(nodeClock.now())));
    this.onChange();
  }

  #feed(input: () => void): void {
    input();
    this.#drain();
  }

  #open(): void {
    this.sockets++;
    const socket = new WebSocket(this.#url, SUBPROTOCOL, { perMessageDeflate: false });
    this.#socket = socket;
    const ifPresent = (input: (now: number) => void) => {
      if (this.#socket === socket) this.#feed(() => input(nodeClock.now()));
    };
    socket.on("open", () => ifPresent((now) => this.link.socketOpened(now)));
    socket.on("message", (data) => ifPresent((now) => this.link.socketText(String(data), now)));
    socket.on("error", () => {});
    socket.on("close", (code) => {
      ifPresent((now) => {
        this.#socket = undefined;
        this.link.socketClosed(code, now);
      });
    });
  }
}
