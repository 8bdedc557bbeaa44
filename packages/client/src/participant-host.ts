import { type Clock, cryptoRandom, LodelineError, type Logger, type Timer } from "@lodeline/base";
import { Participant } from "@lodeline/participant";
import type { Timers } from "@lodeline/protocol";
import type { ClientOptions } from "./api/client-api.ts";
import { browserSocketPort } from "./edge/browser-socket.ts";
import { BrowserPeers, type BrowserPeersOptions } from "./peer/browser-peers.ts";

/** Receive slots of each kind in a first offer: enough for most rooms, and small. */
const SLOTS = 6;

/** What a {@link ParticipantHost} is made of. */
export interface ParticipantHostOptions {
  readonly client: ClientOptions;
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly commandMs: number;
  /** Whose devices a session uses, and who is told of its connections. */
  readonly peers: Pick<BrowserPeersOptions, "mediaOf" | "changed" | "message">;
  /** A participant was made: listen to it. */
  made(hosted: Hosted): void;
}

/** A participant and its connections. */
export interface Hosted {
  readonly participant: Participant;
  readonly peers: BrowserPeers;
}

/** Makes the client's one participant when it is first needed, brings its token, and waits for its answers. */
export class ParticipantHost {
  readonly #options: ParticipantHostOptions;
  #hosted: Hosted | undefined;
  #name: string;

  constructor(options: ParticipantHostOptions) {
    this.#options = options;
    this.#name = options.client.name ?? "";
  }

  /** The participant, if one was made. */
  get participant(): Participant | undefined {
    return this.#hosted?.participant;
  }

  /** How others read this client where nothing else is said. */
  get name(): string {
    return this.#name;
  }

  /**
   * The participant, made if need be.
   *
   * @param mayRename - Nothing is going on: with another name, which is part of the hello, another participant begins.
   */
  get(name: string, mayRename: boolean): Hosted {
    if (mayRename && name !== "" && name !== this.#name) this.discard();
    this.#name = name || this.#name;
    this.#hosted ??= this.#make();
    return this.#hosted;
  }

  /** Drops the participant where it stands; the next {@link get} makes another. */
  discard(): void {
    this.#hosted?.participant.close("page-closed");
    this.#hosted = undefined;
  }

  /**
   * Opens the link of a participant, with a token that was just asked for.
   *
   * @throws LodelineError `auth/token-missing` when none could be had.
   */
  async open({ participant }: Hosted): Promise<void> {
    if (participant.linkState !== "idle" && participant.linkState !== "closed") return;
    const { getToken } = this.#options.client;
    if (getToken) {
      try {
        participant.setToken(await getToken());
      } catch (cause) {
        throw new LodelineError("auth/token-missing", { cause });
      }
    }
    participant.connect();
  }

  /** Settles when the link is open. @throws LodelineError why it was refused; `link/lost` when nobody answers. */
  async linked({ participant }: Hosted): Promise<void> {
    if (participant.linkState === "open") return;
    await this.#outcome(participant, (resolve, reject, signal) => {
      participant.on("link", ({ state }) => (state === "open" ? resolve() : undefined), { signal });
      participant.on("refused", ({ error }) => reject(error), { signal });
      participant.on("closed", () => reject(new LodelineError("link/closed")), { signal });
    });
  }

  /** Settles with the server's answer to a join. @throws LodelineError why there is no place. */
  admission({ participant }: Hosted): Promise<void> {
    return this.#outcome(participant, (resolve, reject, signal) => {
      const fail = ({ error }: { error: LodelineError }) => reject(error);
      participant.on("joined", resolve, { signal });
      participant.on("join-failed", fail, { signal });
      participant.on("refused", fail, { signal });
      participant.on("left", () => reject(new LodelineError("aborted")), { signal });
      participant.on("closed", () => reject(new LodelineError("link/closed")), { signal });
      participant.on("removed", ({ reason }) => reject(new LodelineError("room/removed", { detail: reason })), {
        signal,
      });
    });
  }

  /** The first of several events, within the command wait; listeners and timer are gone afterwards. */
  async #outcome(
    participant: Participant,
    listen: (resolve: () => void, reject: (error: LodelineError) => void, signal: AbortSignal) => void,
  ): Promise<void> {
    const { clock, commandMs } = this.#options;
    const done = new AbortController();
    let timer: Timer | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = clock.at(clock.now() + commandMs, () => {
          const code = participant.linkState === "open" ? "timeout" : "link/lost";
          reject(new LodelineError(code, { detail: "The server does not answer." }));
        });
        listen(resolve, reject, done.signal);
      });
    } finally {
      timer?.cancel();
      done.abort();
    }
  }

  #make(): Hosted {
    const { client, clock, logger, url } = this.#options;
    const random = cryptoRandom((into) => crypto.getRandomValues(into));
    const peers = this.#makePeers();
    const participant = new Participant({
      clock,
      random,
      ports: { socket: browserSocketPort(url, logger), peers },
      timers: client.timers as Partial<Timers> | undefined,
      name: this.#name,
      token: client.token,
      captures: { sfu: true, pair: true, call: true },
    });
    const hosted = { participant, peers };
    this.#options.made(hosted);
    return hosted;
  }

  #makePeers(): BrowserPeers {
    const { client, logger, peers } = this.#options;
    return new BrowserPeers({
      ...peers,
      logger,
      slots: client.slots ?? { audio: SLOTS, video: SLOTS },
      iceServers: client.iceServers ?? [],
      iceTransportPolicy: client.iceTransportPolicy ?? "all",
      followRoutes: client.followRoutes ?? true,
      roleOf: (key) => {
        const state = this.participant?.session(key)?.state;
        return state && "role" in state ? state.role : undefined;
      },
    });
  }
}
