import { createSecret, type Random } from "@lodeline/base";
import type { ServerLinkImage, ServerLinkOptions } from "./link-types.ts";
import { secretsEqual } from "./secret.ts";

/** The secrets that resume a link, known as digests where the link was given one. */
export class LinkKeys {
  readonly #random: Random;
  readonly #digest: (secret: string) => string;
  #present = "";
  /** What the last hello presented: good until the client has shown that it got the welcome with the new one. */
  #earlier = "";

  constructor({ random, digest }: Pick<ServerLinkOptions, "random" | "digest">) {
    this.#random = random;
    this.#digest = digest ?? ((secret) => secret);
  }

  /** As they are to be kept. */
  get kept(): Pick<ServerLinkImage, "secret" | "earlierSecret"> {
    return { secret: this.#present, earlierSecret: this.#earlier };
  }

  /** Takes over those of an earlier process. */
  restore({ secret, earlierSecret }: Pick<ServerLinkImage, "secret" | "earlierSecret">): void {
    this.#present = secret;
    this.#earlier = earlierSecret;
  }

  /** Whether a secret is one of them, in constant time. */
  fit(secret: string): boolean {
    const given = this.#digest(secret);
    const present = secretsEqual(given, this.#present);
    const earlier = secretsEqual(given, this.#earlier);
    return present || earlier;
  }

  /**
   * A hello was let in.
   *
   * @param presented - What it showed, if anything; it stays good for now.
   * @returns The new secret: the one time that it is known as it is.
   */
  rotate(presented: string | undefined): string {
    const secret = createSecret(this.#random);
    this.#earlier = presented === undefined ? "" : this.#digest(presented);
    this.#present = this.#digest(secret);
    return secret;
  }

  /** The client knows the new one. */
  confirm(): void {
    this.#earlier = "";
  }

  /** The link is over: nothing fits any more. */
  clear(): void {
    this.#present = "";
    this.#earlier = "";
  }
}
