import { createSecret, type MonoMs, type Random } from "@lodeline/base";
import type { Hello, Welcome } from "@lodeline/protocol";

/** What a {@link Resumption} needs. */
export interface ResumptionOptions {
  readonly random: Random;
  readonly connectMs: number;
  readonly resumeWindowMs: number;
}

/** What the client knows of its link across sockets: how to resume it, or under which name it is opening one. */
export class Resumption {
  readonly #options: ResumptionOptions;
  /** What resumes the link; absent before its first welcome. */
  #resume: { readonly link: string; readonly secret: string } | undefined;
  /** Names this opening until its welcome is there. */
  #opening = "";
  /** When messages were first said under this opening: only so long after may the server still know it. */
  #saidAt: MonoMs | undefined;
  #broken = false;

  constructor(options: ResumptionOptions) {
    this.#options = options;
  }

  /** The link's name; absent before its first welcome. */
  get link(): string | undefined {
    return this.#resume?.link;
  }

  /** Resuming is impossible: the next hello opens a new link, and what is kept is dropped with `renewed`. */
  get isBroken(): boolean {
    return this.#broken;
  }

  /** Whether the first welcome is still awaited and messages may be said with the hello. */
  get isOpening(): boolean {
    return this.#resume === undefined && !this.#broken;
  }

  /** A socket is about to be opened. */
  prepare(now: MonoMs): void {
    if (this.#isStale(now)) this.breakOff();
    if (this.#resume === undefined) this.#opening ||= createSecret(this.#options.random);
  }

  /** What the hello says of it. */
  proof(received: number): Pick<Hello, "resume"> | Pick<Hello, "opening"> {
    if (this.#resume === undefined || this.#broken) return { opening: this.#opening };
    return { resume: { ...this.#resume, received } };
  }

  /** Messages were said before the welcome. */
  said(now: MonoMs): void {
    this.#saidAt ??= now;
  }

  /** Whether this welcome is to a new link although there was one, or should have been. */
  isRenewal(welcome: Welcome): boolean {
    return this.#broken || (this.#resume !== undefined && !welcome.resumed);
  }

  /** The welcome is accepted. */
  welcomed(welcome: Welcome): void {
    this.#resume = { link: welcome.link, secret: welcome.secret };
    this.#opening = "";
    this.#saidAt = undefined;
    this.#broken = false;
  }

  /** From here on nothing can be resumed: what waits is lost, and a new opening keeps this apart from what was. */
  breakOff(): void {
    this.#broken = true;
    this.#saidAt = undefined;
    this.#opening = createSecret(this.#options.random);
  }

  /** As if there had never been a link. */
  forget(): void {
    this.#resume = undefined;
    this.#opening = "";
    this.#saidAt = undefined;
    this.#broken = false;
  }

  /**
   * Whether the server may have forgotten an opening under which it has already executed something: to say that again
   * would be to do it twice.
   */
  #isStale(now: MonoMs): boolean {
    const { connectMs, resumeWindowMs } = this.#options;
    return this.#saidAt !== undefined && now + connectMs > this.#saidAt + resumeWindowMs;
  }
}
