import type { Clock, LodelineError, MonoMs } from "@lodeline/base";
import { CLOSE_CODES, type ClientMessage, type ServerMessage } from "@lodeline/protocol";
import type { Attachment, ServerLink, ServerLinkOutput, ServerLinkState } from "@lodeline/signaling";
import { LazyTimer } from "./lazy-timer.ts";
import type { Authorization, HubSocket, Passing, Recipient } from "./ports.ts";

/** The place that a link holds: a link is in at most one room. */
export interface Membership {
  readonly room: string;
  readonly participant: string;
  /** The join that gave it. */
  readonly command: string;
}

/** Joins that a link remembers after their place is gone: one said again is late by seconds, not by dozens of joins. */
const SPENT_JOINS = 16;

/** Whom a {@link LinkHost} tells what happens on its link. */
export interface LinkListener {
  message(message: ClientMessage): void;
  /** The link itself has answered a bad frame or message already. */
  rejected(error: LodelineError): void;
  changed(state: ServerLinkState, reason: string | undefined): void;
  /** Something of the link is another than before, and may have to be kept. */
  touched(): void;
  /** Fault injection: whether and when a message passes. Absent: at once. */
  readonly intercept?: ((passing: Passing, forward: () => void) => void) | undefined;
}

/** What a {@link LinkHost} has to keep beside its link: it goes on with it in another process. */
export interface KeptSeat {
  readonly membership: Membership | undefined;
  readonly spentJoins: readonly string[];
  /** What waits behind a `joined`, as JSON; absent while nothing waits. */
  readonly held: readonly string[] | undefined;
}

/** One link in motion: its reliable core, the socket it is on now, its timer, and the place it holds. */
export class LinkHost implements Disposable {
  readonly link: ServerLink;
  readonly authorization: Authorization;
  #membership: Membership | undefined;
  readonly #spentJoins: string[];
  readonly #clock: Clock;
  readonly #listener: LinkListener;
  readonly #timer: LazyTimer;
  #socket: HubSocket | undefined;
  #socketOrder = 0;
  #draining = false;
  /** How many messages went each way, for fault injection alone. */
  readonly #passed = { "to-client": 0, "to-server": 0 };
  /** What is told while a `joined` waits for its answer; absent while nothing waits. */
  #held: { readonly message: ServerMessage; readonly json: string }[] | undefined;
  #revision = 0;

  /** @param kept - Of the same link in an earlier process; what it held back is the caller's to say. */
  constructor(
    link: ServerLink,
    authorization: Authorization,
    clock: Clock,
    listener: (host: LinkHost) => LinkListener,
    kept?: KeptSeat,
  ) {
    this.link = link;
    this.#membership = kept?.membership;
    this.#spentJoins = [...(kept?.spentJoins ?? [])];
    this.authorization = authorization;
    this.#clock = clock;
    this.#listener = listener(this);
    this.#timer = new LazyTimer(
      clock,
      () => link.deadline(),
      () => {
        link.tick(clock.now());
        this.#drain();
      },
    );
    this.#timer.arm();
  }

  get id(): string {
    return this.link.id;
  }

  get identity(): string {
    return this.authorization.identity;
  }

  /** What has to be kept beside the link itself. */
  get kept(): KeptSeat {
    const held = this.#held?.map(({ json }) => json);
    return { membership: this.#membership, spentJoins: this.#spentJoins, held };
  }

  /** Rises with every change of {@link LinkHost.kept} and of the link's secrets. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether the link has ended and is to be forgotten. */
  get isOver(): boolean {
    return this.link.state === "expired" || this.link.state === "closed";
  }

  /** The place this link holds. */
  get membership(): Membership | undefined {
    return this.#membership;
  }

  /** The link holds this place from now on; where another join gave it before, that one is spent. */
  seat(membership: Membership): void {
    if (this.#membership?.command !== membership.command) this.#spend();
    this.#membership = membership;
    this.#revise();
  }

  /** The place is gone; the join that gave it is spent. */
  unseat(): void {
    this.#spend();
    this.#membership = undefined;
    this.#revise();
  }

  /** Whether this link's join of that id gave a place that is gone again, or that a later join holds. */
  isSpent(command: string): boolean {
    return this.#spentJoins.includes(command);
  }

  #spend(): void {
    if (!this.#membership) return;
    this.#spentJoins.push(this.#membership.command);
    if (this.#spentJoins.length > SPENT_JOINS) this.#spentJoins.shift();
  }

  /** Whom a message to this link reaches. */
  get recipient(): Recipient {
    const { membership } = this;
    return { link: this.id, identity: this.identity, room: membership?.room, participant: membership?.participant };
  }

  /**
   * Puts the link on a socket; an earlier one is closed as replaced.
   *
   * @param order - The place of this socket among all that were accepted.
   * @returns Which socket it is: what the gateway feeds names it, so that nothing of an earlier one counts.
   */
  attach(socket: HubSocket, attachment: Attachment, order: number): number {
    this.#socket?.close(CLOSE_CODES.replaced, "link/replaced");
    this.#socket = socket;
    this.#socketOrder = order;
    this.link.attach(attachment, this.#clock.now());
    this.#revision += 1;
    const { epoch } = this.link;
    this.#drain();
    return epoch;
  }

  /** The place of the last socket it was on among all that were accepted; 0 where this process has seen none. */
  get socketOrder(): number {
    return this.#socketOrder;
  }

  /** A text of socket `epoch`. */
  text(epoch: number, text: string): void {
    if (epoch !== this.link.epoch) return;
    this.link.text(text, this.#clock.now());
    this.#drain();
  }

  /** Socket `epoch` has to go; the link may be resumed. */
  refuse(epoch: number, error: LodelineError): void {
    if (epoch !== this.link.epoch) return;
    this.link.refuse(error, this.#clock.now());
    this.#drain();
  }

  /** Socket `epoch` is closed. */
  closed(epoch: number): void {
    if (epoch !== this.link.epoch) return;
    this.#socket = undefined;
    this.link.detach(this.#clock.now());
    this.#drain();
  }

  /**
   * Tells the client something.
   *
   * @param json - The same as text, where one message goes to many.
   */
  deliver(message: ServerMessage, json: string = JSON.stringify(message)): void {
    if (!this.#held) return this.#send(message, json);
    this.#held.push({ message, json });
    this.#revise();
  }

  /** From now on everything waits behind what {@link LinkHost.release} says first. */
  hold(): void {
    this.#held ??= [];
    this.#revise();
  }

  /** Says `first`, then what was held. */
  release(first: readonly ServerMessage[]): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#revise();
    for (const message of first) this.#send(message, JSON.stringify(message));
    for (const { message, json } of held) this.#send(message, json);
  }

  /** Ends the link: the client is told why. */
  close(error: LodelineError): void {
    this.link.close(error);
    this.#drain();
  }

  /** When the client was last heard of. */
  get heardAt(): MonoMs {
    return this.link.heardAt;
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #send(message: ServerMessage, json: string): void {
    const { intercept } = this.#listener;
    if (!intercept) return this.#say(json);
    const index = this.#passed["to-client"]++;
    intercept({ who: this.recipient, direction: "to-client", index, message }, () => this.#say(json));
  }

  #say(json: string): void {
    this.link.sendJson(json, this.#clock.now());
    this.#drain();
  }

  #heard(message: ClientMessage): void {
    const { intercept } = this.#listener;
    if (!intercept) return this.#listener.message(message);
    const index = this.#passed["to-server"]++;
    intercept({ who: this.recipient, direction: "to-server", index, message }, () => this.#listener.message(message));
  }

  /** Outputs are performed in order also when performing one of them causes more: the outermost call drains them all. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let output = this.link.poll(); output; output = this.link.poll()) this.#perform(output);
    } finally {
      this.#draining = false;
    }
    this.#timer.arm();
    this.#listener.touched();
  }

  #revise(): void {
    this.#revision += 1;
    this.#listener.touched();
  }

  #perform(output: ServerLinkOutput): void {
    switch (output.kind) {
      case "text":
        return this.#socket?.send(output.text);
      case "close-socket":
        this.#socket?.close(output.code, output.reason);
        this.#socket = undefined;
        return;
      case "message":
        return this.#heard(output.message);
      case "rejected":
        return this.#listener.rejected(output.error);
      case "state":
        return this.#listener.changed(output.state, output.reason);
    }
  }
}
