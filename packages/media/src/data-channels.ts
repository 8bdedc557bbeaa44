import { Emitter, type Listenable, LodelineError } from "@lodeline/base";
import { Event, type RTCDataChannel, RTCSctpTransport } from "werift";

/** Largest message taken from or sent to a browser, as the answer says. */
export const DATA_MESSAGE_LIMIT_BYTES = 65_536;

/** Bytes that may wait in one channel. */
const DATA_QUEUE_LIMIT_BYTES = 4 * 1024 * 1024;

/** Channels of one transport; more are closed as they open. */
const CHANNEL_LIMIT = 64;

/** Events of a {@link DataChannel}. */
export interface DataChannelEvents {
  /** Text arrives as a string, binary as bytes. */
  readonly message: string | Uint8Array;
  readonly close: undefined;
}

/** One data channel that the browser opened. RFC 8831. */
export class DataChannel implements Listenable<DataChannelEvents> {
  readonly label: string;
  readonly protocol: string;
  readonly ordered: boolean;
  readonly #channel: RTCDataChannel;
  readonly #emitter = new Emitter<DataChannelEvents>();

  constructor(channel: RTCDataChannel) {
    this.#channel = channel;
    this.label = channel.label;
    this.protocol = channel.protocol;
    this.ordered = channel.ordered;
    channel.onMessage.subscribe((message) => this.#emitter.emit("message", message));
    channel.stateChanged.subscribe((state) => {
      if (state === "closed") this.#emitter.emit("close", undefined);
    });
  }

  get state(): "connecting" | "open" | "closing" | "closed" {
    return this.#channel.readyState as "connecting" | "open" | "closing" | "closed";
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes(): number {
    return this.#channel.bufferedAmount;
  }

  on<Name extends keyof DataChannelEvents>(
    name: Name,
    listener: (event: DataChannelEvents[Name]) => void,
    options?: Parameters<Emitter<DataChannelEvents>["on"]>[2],
  ): Disposable {
    return this.#emitter.on(name, listener, options);
  }

  /**
   * Sends one message.
   *
   * @param message - At most {@link DATA_MESSAGE_LIMIT_BYTES}; bytes are copied.
   * @throws LodelineError `data/not-open`, `data/queue-full`.
   */
  send(message: string | Uint8Array): void {
    if (this.state !== "open")
      throw new LodelineError("data/not-open", {
        detail: `the data channel ${JSON.stringify(this.label)} is ${this.state}`,
      });
    if (this.bufferedBytes > DATA_QUEUE_LIMIT_BYTES) throw new LodelineError("data/queue-full");
    const lengthBytes = typeof message === "string" ? Buffer.byteLength(message) : message.length;
    if (lengthBytes > DATA_MESSAGE_LIMIT_BYTES)
      throw new TypeError(`message: ${lengthBytes} bytes are more than ${DATA_MESSAGE_LIMIT_BYTES}`);
    this.#channel.send(typeof message === "string" ? message : Buffer.from(message));
  }

  close(): void {
    this.#channel.close();
  }
}

/** What werift's SCTP needs of the DTLS below it. */
class SctpLower {
  readonly id = "lodeline";
  readonly iceTransport = { role: "controlled" };
  readonly onStateChange = new Event<[string]>();
  dataReceiver: (bytes: Buffer) => void = () => {};
  readonly sendData: (bytes: Buffer) => Promise<void>;

  constructor(send: (bytes: Buffer) => void) {
    this.sendData = async (bytes) => send(bytes);
  }
}

/** The parts of werift's SCTP, private by its types, whose promises nobody else looks at. */
interface AsyncReceiver {
  datachannelReceive: (...message: unknown[]) => Promise<void>;
  readonly sctp: { handleData(bytes: Buffer): Promise<void> };
}

/** The SCTP association of a transport and its channels. RFC 8831, RFC 8832, RFC 8841. */
export class DataChannels {
  readonly #sctp: RTCSctpTransport;
  readonly #lower: SctpLower;
  readonly #channels = new Set<DataChannel>();
  #started = false;
  /** Packets and messages that could not be understood. */
  malformed = 0;

  /**
   * @param send - Takes an SCTP packet to DTLS.
   * @param onChannel - Told of each channel the browser opens.
   */
  constructor(send: (bytes: Buffer) => void, onChannel: (channel: DataChannel) => void) {
    this.#lower = new SctpLower(send);
    this.#sctp = new RTCSctpTransport(5000, DATA_MESSAGE_LIMIT_BYTES);
    // werift lets errors of what the other side sent end as unhandled rejections, which end the process.
    const guarded = this.#sctp as unknown as AsyncReceiver;
    const receive = guarded.datachannelReceive;
    guarded.datachannelReceive = (...message) => receive(...message).catch(() => this.#malformed());
    this.#sctp.setDtlsTransport(this.#lower as never);
    this.#sctp.onDataChannel.subscribe((raw) => {
      if (this.#channels.size >= CHANNEL_LIMIT) return void queueMicrotask(() => raw.close());
      const channel = new DataChannel(raw);
      this.#channels.add(channel);
      channel.on("close", () => this.#channels.delete(channel));
      onChannel(channel);
    });
  }

  get channels(): readonly DataChannel[] {
    return [...this.#channels];
  }

  /** DTLS is connected: waits for the browser's INIT. */
  start(remotePort: number): void {
    if (this.#started) return;
    this.#started = true;
    void this.#sctp.start(remotePort);
  }

  /** Application data arrived by DTLS. What is malformed is dropped and counted. */
  handle(bytes: Buffer): void {
    // Not by the receiver that werift installs below, for the same reason.
    const { sctp } = this.#sctp as unknown as AsyncReceiver;
    sctp.handleData(bytes).catch(() => this.#malformed());
  }

  #malformed(): void {
    this.malformed++;
  }

  async close(): Promise<void> {
    await this.#sctp.stop();
    this.#sctp.onDataChannel.allUnsubscribe();
    this.#channels.clear();
  }
}
