import { LodelineError } from "@lodeline/base";
import type { DataChannel } from "@lodeline/media";
import type { HeldTransport } from "./held-media.ts";
import type { EngineEvent } from "./messages.ts";

/** The data channels of an engine's transports, by numbers that cross threads. */
export class ChannelTable {
  readonly #channels = new Map<string, Map<number, DataChannel>>();
  readonly #tell: (event: EngineEvent) => void;
  #last = 0;

  constructor(tell: (event: EngineEvent) => void) {
    this.#tell = tell;
  }

  /** The browser opened a channel: it is told of, and told of again when it closes. */
  opened({ id: transport, data }: HeldTransport, channel: DataChannel): void {
    const number = ++this.#last;
    const channels = this.#channels.get(transport) ?? new Map<number, DataChannel>();
    this.#channels.set(transport, channels.set(number, channel));
    const { label } = channel;
    this.#tell({ kind: "channel", transport, channel: number, label, open: true });
    if (data === "delivered") {
      channel.on("message", (message) => this.#tell({ kind: "data", transport, channel: number, message }));
    }
    channel.on("close", () => {
      if (channels.delete(number)) this.#tell({ kind: "channel", transport, channel: number, label, open: false });
    });
  }

  /** @throws LodelineError `data/not-open`, `data/queue-full`. */
  send(transport: string, number: number, message: string | Uint8Array): void {
    const channel = this.#channels.get(transport)?.get(number);
    if (!channel) throw new LodelineError("data/not-open", { detail: `There is no data channel ${number}.` });
    channel.send(message);
  }

  /** A transport has ended, and its channels with it. */
  forget(transport: string): void {
    this.#channels.delete(transport);
  }
}
