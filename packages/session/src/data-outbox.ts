import { LodelineError } from "@lodeline/base";

/** What happens to data sent while the channel is not open. */
export type DataPolicy =
  /** It is refused with `data/not-open`. */
  | { readonly kind: "error" }
  /** It waits for the channel to open, up to these limits; past them it is refused with `data/queue-full`. */
  | { readonly kind: "queue"; readonly maxMessages: number; readonly maxBytes: number };

/** What became of a message. There is no third outcome, and none is silent: the rest throws. */
export type DataSent = "sent" | "queued";

/**
 * What stands between a caller and a data channel: sends at once while it is open, and otherwise errs or queues as
 * configured.
 *
 * @typeParam Data - What the channel takes, e.g. `string | ArrayBuffer`.
 */
export class DataOutbox<Data> {
  readonly #policy: DataPolicy;
  readonly #send: (data: Data) => void;
  readonly #waiting: { readonly data: Data; readonly sizeBytes: number }[] = [];
  #waitingBytes = 0;
  #state: "waiting" | "open" | "closed" = "waiting";

  /** @param send - Puts one message on the open channel; what it throws goes to the caller of `send`. */
  constructor(policy: DataPolicy, send: (data: Data) => void) {
    this.#policy = policy;
    this.#send = send;
  }

  /** Messages that wait for the channel to open. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether the channel is open. */
  get open(): boolean {
    return this.#state === "open";
  }

  /**
   * Sends one message, after every one that waits.
   *
   * @param sizeBytes - Its size on the channel: UTF-8 bytes of a text.
   * @throws LodelineError `data/not-open` when the channel is not open and the policy is to err, or when it was closed;
   * `data/queue-full` when it would pass a limit of the queue. Nothing was sent then.
   */
  send(data: Data, sizeBytes: number): DataSent {
    if (this.#state === "open") {
      this.#flush();
      this.#send(data);
      return "sent";
    }
    const policy = this.#policy;
    if (this.#state === "closed" || policy.kind === "error") throw new LodelineError("data/not-open");
    if (this.#waiting.length >= policy.maxMessages || this.#waitingBytes + sizeBytes > policy.maxBytes) {
      throw new LodelineError("data/queue-full", {
        detail: `${this.#waiting.length} messages (${this.#waitingBytes} bytes) wait for the data channel already.`,
      });
    }
    this.#waiting.push({ data, sizeBytes });
    this.#waitingBytes += sizeBytes;
    return "queued";
  }

  /** The channel opened: what waits is sent, in order. What the channel throws leaves the rest waiting, in order. */
  opened(): void {
    this.#state = "open";
    this.#flush();
  }

  /**
   * The channel closed for good: later sends are refused.
   *
   * @returns What was still waiting and will not be sent, in order; the caller reports it.
   */
  closed(): readonly Data[] {
    this.#state = "closed";
    this.#waitingBytes = 0;
    return this.#waiting.splice(0).map((entry) => entry.data);
  }

  #flush(): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      this.#waitingBytes -= next.sizeBytes;
      try {
        this.#send(next.data);
      } catch (error) {
        this.#waiting.unshift(next);
        this.#waitingBytes += next.sizeBytes;
        throw error;
      }
    }
  }
}
