import { secretsEqual } from "@lodeline/signaling";
import type { LinkHost } from "./link-host.ts";

/** A link in the table. */
interface Entry {
  readonly host: LinkHost;
  /** The secret of the opening that made it, digested: what a client says again when the welcome was lost. */
  readonly opening: string;
}

/** Every link that lives, by id and by identity. */
export class LinkTable {
  readonly #byId = new Map<string, Entry>();
  readonly #byIdentity = new Map<string, Set<Entry>>();
  readonly #digest: (secret: string) => string;

  constructor(digest: ((secret: string) => string) | undefined) {
    this.#digest = digest ?? ((secret) => secret);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** How many different identities are connected. */
  get identities(): number {
    return this.#byIdentity.size;
  }

  get(id: string): LinkHost | undefined {
    return this.#byId.get(id)?.host;
  }

  /** The links of one identity, oldest first. */
  of(identity: string): readonly LinkHost[] {
    return [...(this.#byIdentity.get(identity) ?? [])].map(({ host }) => host);
  }

  all(): readonly LinkHost[] {
    return [...this.#byId.values()].map(({ host }) => host);
  }

  /** @param opening - As the hello said it; empty for none. */
  add(host: LinkHost, opening: string): void {
    this.restore(host, opening === "" ? "" : this.#digest(opening));
  }

  /** @param opening - As {@link LinkTable.openingOf} gave it. */
  restore(host: LinkHost, opening: string): void {
    const entry = { host, opening };
    this.#byId.set(host.id, entry);
    const same = this.#byIdentity.get(host.identity) ?? new Set();
    same.add(entry);
    this.#byIdentity.set(host.identity, same);
  }

  /** The opening that made a link, digested; empty for none. */
  openingOf(host: LinkHost): string {
    return this.#byId.get(host.id)?.opening ?? "";
  }

  remove(host: LinkHost): void {
    const entry = this.#byId.get(host.id);
    const same = this.#byIdentity.get(host.identity);
    if (!entry || !same) return;
    this.#byId.delete(host.id);
    same.delete(entry);
    if (same.size === 0) this.#byIdentity.delete(host.identity);
  }

  /** The last socket of the link that an opening of this identity has made, whoever may resume it now; 0 for none. */
  lastSocketOf(identity: string, opening: string): number {
    const given = this.#digest(opening);
    for (const { host, opening: known } of this.#byIdentity.get(identity) ?? []) {
      if (secretsEqual(given, known)) return host.socketOrder;
    }
    return 0;
  }

  /** The link that a hello resumes, if its secret fits and nothing the client lacks is gone. */
  resumable(resume: {
    readonly link: string;
    readonly secret: string;
    readonly received: number;
  }): LinkHost | undefined {
    const host = this.get(resume.link);
    return host?.link.canResume(resume.secret, resume.received) ? host : undefined;
  }

  /** The link that this opening of the same identity has made already, if its client never read the welcome. */
  opened(identity: string, opening: string | undefined): LinkHost | undefined {
    if (opening === undefined) return undefined;
    const given = this.#digest(opening);
    for (const { host, opening: known } of this.#byIdentity.get(identity) ?? []) {
      if (secretsEqual(given, known) && host.link.canResume(opening, 0)) return host;
    }
    return undefined;
  }
}
