import type { Clock, ErrorCode, LodelineError, MonoMs, Timer } from "@lodeline/base";
import type { ClientMessage, ServerMessage } from "@lodeline/protocol";
import type { ClientLink, ClientLinkOutput, ClientLinkState } from "@lodeline/signaling";
import type { SocketHandle, SocketPort } from "./ports.ts";

/** What a link tells its owner. */
export interface LinkListener {
  message(message: ServerMessage): void;
  state(state: ClientLinkState, reason: ErrorCode | undefined): void;
  /** A new link although an earlier one existed: join again. */
  renewed(): void;
  /** The server refused the link for good. */
  refused(error: LodelineError): void;
  /** One message of the server could not be read. */
  rejected(error: LodelineError): void;
}

/** What {@link LinkDriver} needs. */
export interface LinkDriverOptions {
  readonly clock: Clock;
  readonly socket: SocketPort;
  readonly link: ClientLink;
  readonly listener: LinkListener;
}

/**
 * Runs a {@link ClientLink}: feeds it what its socket says, performs what it wants, arms the one timer it asks for.
 * Outputs are handled in order, also when handling one makes more.
 */
export class LinkDriver implements Disposable {
  readonly #clock: Clock;
  readonly #socketPort: SocketPort;
  readonly #link: ClientLink;
  readonly #listener: LinkListener;
  #socket: SocketHandle | undefined;
  /** Which socket is the present one: what an earlier one still says is not fed. */
  #generation = 0;
  /** The second socket, while there is one, and which it is. */
  #spare: SocketHandle | undefined;
  #spareGeneration = 0;
  #opened = 0;
  #timer: Timer | undefined;
  #armedFor: MonoMs | undefined;
  #draining = false;
  #disposed = false;

  constructor(options: LinkDriverOptions) {
    this.#clock = options.clock;
    this.#socketPort = options.socket;
    this.#link = options.link;
    this.#listener = options.listener;
  }

  open(): void {
    this.#link.open(this.#clock.now());
    this.#drain();
  }

  send(message: ClientMessage): void {
    this.#link.send(message, this.#clock.now());
    this.#drain();
  }

  wake(): void {
    this.#link.wake(this.#clock.now());
    this.#drain();
  }

  networkChanged(): void {
    this.#link.networkChanged(this.#clock.now());
    this.#drain();
  }

  close(reason: string): void {
    this.#link.close(reason, this.#clock.now());
    this.#drain();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#generation = 0;
    this.#socket?.close(1001, "disposed");
    this.#socket = undefined;
    this.#dropSpare("disposed");
  }

  #drain(): void {
    if (this.#draining || this.#disposed) return;
    this.#draining = true;
    try {
      for (let out = this.#link.poll(); out !== undefined && !this.#disposed; out = this.#link.poll())
        this.#perform(out);
    } finally {
      this.#draining = false;
    }
    this.#rearm();
  }

  #rearm(): void {
    if (this.#disposed) return;
    const due = this.#link.deadline();
    // Most frames move the deadline further away. An armed timer that comes early re-arms itself, which costs less
    // than cancelling and arming with each frame.
    if (due !== undefined && this.#armedFor !== undefined && this.#armedFor <= due) return;
    if (due === this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = due === undefined ? undefined : this.#clock.at(due, () => this.#wakeUp());
  }

  #wakeUp(): void {
    this.#timer = undefined;
    this.#armedFor = undefined;
    const now = this.#clock.now();
    const due = this.#link.deadline();
    if (due !== undefined && due <= now) this.#link.tick(now);
    this.#drain();
  }

  #perform(out: ClientLinkOutput): void {
    switch (out.kind) {
      case "open-socket":
        this.#openSocket();
        break;
      case "text":
        this.#socket?.send(out.text);
        break;
      case "close-socket":
        this.#closeSocket(out.code, out.reason);
        break;
      case "open-spare":
        this.#openSpare();
        break;
      case "spare-text":
        this.#spare?.send(out.text);
        break;
      case "drop-spare":
        this.#dropSpare("not needed");
        break;
      case "adopt-spare":
        this.#adoptSpare();
        break;
      case "message":
        this.#listener.message(out.message);
        break;
      case "state":
        this.#listener.state(out.state, out.reason);
        break;
      case "renewed":
        this.#listener.renewed();
        break;
      case "refused":
        this.#listener.refused(out.error);
        break;
      case "rejected":
        this.#listener.rejected(out.error);
        break;
    }
  }

  #openSocket(): void {
    this.#generation = ++this.#opened;
    this.#socket = this.#open(this.#opened);
  }

  #openSpare(): void {
    this.#spareGeneration = ++this.#opened;
    this.#spare = this.#open(this.#opened);
  }

  /** Opens a socket whose words are fed as those of what it is by then: the socket, the second one, or neither. */
  #open(generation: number): SocketHandle {
    const feed = (asSocket: (now: MonoMs) => void, asSpare: (now: MonoMs) => void) => {
      const isSocket = this.#generation === generation;
      if (this.#disposed || (!isSocket && this.#spareGeneration !== generation)) return;
      (isSocket ? asSocket : asSpare)(this.#clock.now());
      this.#drain();
    };
    const link = this.#link;
    return this.#socketPort.open({
      opened: () =>
        feed(
          (now) => link.socketOpened(now),
          (now) => link.spareOpened(now),
        ),
      text: (text) =>
        feed(
          (now) => link.socketText(text, now),
          (now) => link.spareText(text, now),
        ),
      closed: (code, reason) =>
        feed(
          (now) => link.socketClosed(code, now, reason),
          (now) => link.spareClosed(now),
        ),
    });
  }

  #adoptSpare(): void {
    this.#generation = this.#spareGeneration;
    this.#socket = this.#spare;
    this.#spareGeneration = 0;
    this.#spare = undefined;
  }

  #dropSpare(reason: string): void {
    const spare = this.#spare;
    this.#spareGeneration = 0;
    this.#spare = undefined;
    spare?.close(1000, reason);
  }

  #closeSocket(code: number, reason: string): void {
    this.#generation = 0;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(code, reason);
  }
}
