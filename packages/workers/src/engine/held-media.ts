import { LodelineError } from "@lodeline/base";
import type { Forwarder, LoopbackPeer, MediaTransport, Publication, Section, Trunk } from "@lodeline/media";
import type { DataWish, MediaKind } from "./messages.ts";

/** One transport of an engine, with what the interface knows of it. */
export interface HeldTransport {
  readonly id: string;
  readonly room: string;
  readonly data: DataWish;
  readonly transport: MediaTransport;
  sections: readonly Section[];
  loopback: LoopbackPeer | undefined;
}

/** One publication of an engine. */
export interface HeldPublication {
  readonly id: string;
  readonly room: string;
  readonly kind: MediaKind;
  readonly publication: Publication;
  /** It comes over a trunk: what is told of it is told where it arrives. */
  readonly relayed?: boolean;
}

/** One forwarder of an engine. */
export interface HeldForwarder {
  readonly id: string;
  readonly room: string;
  readonly kind: MediaKind;
  readonly forwarder: Forwarder;
}

/** What an engine holds, by the ids that its asker gave. */
export class HeldMedia {
  readonly transports = new Map<string, HeldTransport>();
  readonly publications = new Map<string, HeldPublication>();
  readonly forwarders = new Map<string, HeldForwarder>();
  readonly trunks = new Map<string, Trunk>();

  /** @throws LodelineError `media/closed` when there is no such transport. */
  transport(id: string): HeldTransport {
    return this.transports.get(id) ?? gone("transport", id);
  }

  /** @throws LodelineError `media/closed` when there is no such publication. */
  publication(id: string): HeldPublication {
    return this.publications.get(id) ?? gone("publication", id);
  }

  /** @throws LodelineError `media/closed` when there is no such forwarder. */
  forwarder(id: string): HeldForwarder {
    return this.forwarders.get(id) ?? gone("forwarder", id);
  }

  /** @throws LodelineError `media/closed` when there is no such trunk. */
  trunk(id: string): Trunk {
    return this.trunks.get(id) ?? gone("trunk", id);
  }

  /** Publications that arrive here from a browser. */
  get arriving(): readonly HeldPublication[] {
    return [...this.publications.values()].filter(({ relayed }) => !relayed);
  }

  /** Forgets what has ended by itself: with its transport, its publication or its section. */
  sweep(): void {
    for (const [id, { publication }] of this.publications) if (publication.closed) this.publications.delete(id);
    for (const [id, { forwarder }] of this.forwarders) if (forwarder.closed) this.forwarders.delete(id);
  }

  get size(): number {
    return this.transports.size + this.publications.size + this.forwarders.size + this.trunks.size;
  }
}

function gone(what: string, id: string): never {
  throw new LodelineError("media/closed", { detail: `There is no ${what} ${id}.` });
}
