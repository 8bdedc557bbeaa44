import { type Clock, LodelineError, type Timer } from "@lodeline/base";
import { type Hello, LIMITS } from "@lodeline/protocol";
import { closeCodeOf, fatalText, readHello } from "@lodeline/signaling";
import type { LinkHost } from "./link-host.ts";
import type { Authorization, AuthorizationRequest, HubConnection, HubSocket } from "./ports.ts";

/** What a {@link Connection} needs of the hub. */
export interface Doorkeeper {
  readonly clock: Clock;
  readonly helloTimeoutMs: number;
  /** Whether nobody is let in any more. */
  readonly draining: boolean;
  authorize(request: AuthorizationRequest, done: (result: Authorization | LodelineError) => void): void;
  /**
   * Whether a link that this hello names has been on a later socket already: the hello was held up on its way, and
   * nobody listens to its socket any more.
   */
  overtaken(hello: Hello, order: number, identity: string | undefined): boolean;
  /** The link that the hello resumes, if it does. */
  resumed(hello: Hello): LinkHost | undefined;
  /** The link for whoever has shown who it is: a new one, or the one that this very opening has made already. */
  opened(hello: Hello, authorization: Authorization): LinkHost;
  refused(error: LodelineError): void;
  /** The socket is over. */
  gone(connection: Connection): void;
}

type Phase =
  | { readonly kind: "silent" }
  | { readonly kind: "authorizing"; readonly early: string[] }
  | { readonly kind: "attached"; readonly host: LinkHost; readonly epoch: number }
  | { readonly kind: "over" };

/** One socket from its opening to its end: hello, who it is, then the link. */
export class Connection implements HubConnection {
  readonly #door: Doorkeeper;
  readonly #socket: HubSocket;
  readonly #order: number;
  readonly #timeout: Timer;
  #phase: Phase = { kind: "silent" };

  /** @param order - Rises with every socket that is accepted. */
  constructor(socket: HubSocket, door: Doorkeeper, order: number) {
    this.#door = door;
    this.#order = order;
    this.#socket = socket;
    const { clock, helloTimeoutMs } = door;
    this.#timeout = clock.at(clock.now() + helloTimeoutMs, () => this.refuse(new LodelineError("link/hello-timeout")));
  }

  text(text: string): void {
    const phase = this.#phase;
    if (phase.kind === "attached") phase.host.text(phase.epoch, text);
    else if (phase.kind === "silent") this.#hello(text);
    else if (phase.kind === "authorizing") this.#early(phase.early, text);
  }

  refuse(error: LodelineError): void {
    const phase = this.#phase;
    if (phase.kind === "over") return;
    if (phase.kind === "attached") return phase.host.refuse(phase.epoch, error);
    this.#door.refused(error);
    this.#socket.send(fatalText(error));
    this.#socket.close(closeCodeOf(error.code), error.code);
    this.#end();
  }

  closed(_code: number): void {
    const phase = this.#phase;
    this.#end();
    if (phase.kind === "attached") phase.host.closed(phase.epoch);
  }

  /** Forgets the socket without a word. */
  drop(): void {
    this.#end();
  }

  #hello(text: string): void {
    const read = readHello(text);
    if (!read.ok) return this.refuse(read.error);
    if (this.#door.draining) return this.refuse(new LodelineError("server/draining"));
    const { hello, version } = read;
    if (this.#door.overtaken(hello, this.#order, undefined)) return this.refuse(new LodelineError("link/replaced"));
    const resumed = this.#door.resumed(hello);
    if (resumed) return this.#attach(resumed, hello, version, []);
    const early: string[] = [];
    this.#phase = { kind: "authorizing", early };
    const { token, name } = hello;
    this.#door.authorize({ token, name }, (result) => {
      if (this.#phase.kind !== "authorizing") return;
      if (result instanceof LodelineError) return this.refuse(result);
      if (this.#door.draining) return this.refuse(new LodelineError("server/draining"));
      const { identity } = result;
      if (this.#door.overtaken(hello, this.#order, identity)) return this.refuse(new LodelineError("link/replaced"));
      this.#attach(this.#door.opened(hello, result), hello, version, early);
    });
  }

  #attach(host: LinkHost, hello: Hello, version: number, early: readonly string[]): void {
    this.#timeout.cancel();
    const resumes = hello.resume?.link === host.id;
    const received = resumes ? (hello.resume?.received ?? 0) : 0;
    const secret = resumes ? hello.resume?.secret : hello.opening;
    // Set before the link says anything: what it says first may already close the socket.
    this.#phase = { kind: "attached", host, epoch: host.link.epoch + 1 };
    const epoch = host.attach(this.#hosted(), { version, received, secret }, this.#order);
    for (const text of early) host.text(epoch, text);
  }

  /** The socket as its link has it: closed by the link, it is over, whether or not the gateway ever says so. */
  #hosted(): HubSocket {
    return {
      send: (text) => this.#socket.send(text),
      close: (code, reason) => {
        this.#socket.close(code, reason);
        this.#end();
      },
    };
  }

  /** A client says its first messages together with the hello; they wait until it is known who says them. */
  #early(early: string[], text: string): void {
    let length = text.length;
    for (const one of early) length += one.length;
    if (early.length < LIMITS.messageBurst && length <= LIMITS.linkBufferLength) early.push(text);
    else this.refuse(new LodelineError("protocol/rate-limited"));
  }

  #end(): void {
    if (this.#phase.kind === "over") return;
    this.#timeout.cancel();
    this.#phase = { kind: "over" };
    this.#door.gone(this);
  }
}
