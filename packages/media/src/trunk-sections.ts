import type { Publication } from "./publication.ts";
import type { SectionCodec } from "./sdp/codecs.ts";
import { EXTENSION_URI, type ExtensionName, type Section, type SectionSsrcs } from "./sdp/section.ts";

/** One layer of a carried publication: a sending section of its own, so that each is repaired and paused by itself. */
export interface CarriedLayer {
  readonly rid: string;
  readonly mid: string;
  readonly ssrc: number;
  readonly rtxSsrc: number;
}

/** What the other end must know to take a publication. Plain data. */
export interface Carried {
  readonly kind: "audio" | "video";
  readonly codecs: readonly SectionCodec[];
  readonly layers: readonly CarriedLayer[];
}

/** Extensions that name a stream or count for one transport: SSRCs say it here, and each end counts for itself. */
const OF_ONE_LEG: readonly ExtensionName[] = ["rid", "repairedRid", "transportSequence"];

/** Ids on every trunk: both ends have the same table. */
const EXTENSIONS = Object.fromEntries(
  Object.keys(EXTENSION_URI)
    .filter((name) => !OF_ONE_LEG.includes(name as ExtensionName))
    .map((name, index) => [name, index + 1]),
) as Section["extensions"];

/** Which mids may be used again for which. */
type Use = `${"out" | "in"}-${"audio" | "video"}`;

/** The sections of one end of a trunk, agreed on without a description. Mids are used again: slots live on with them. */
export class TrunkSections {
  readonly #sections = new Map<string, Section>();
  readonly #free: Record<Use, string[]> = { "out-audio": [], "out-video": [], "in-audio": [], "in-video": [] };
  #last = 0;

  /** Those in use, and those that are not at present. */
  get all(): readonly Section[] {
    return [...this.#sections.values()];
  }

  /** Sections to send a publication in, one for each layer that it has or may get. */
  carry(publication: Publication, ssrcsOf: (mid: string) => SectionSsrcs): Carried {
    const { kind, section } = publication;
    const rids = section.rids.length > 0 ? section.rids : [""];
    const layers = rids.map((rid) => {
      const mid = this.#mid(`out-${kind}`);
      const { ssrc, rtxSsrc } = ssrcsOf(mid);
      this.#sections.set(mid, { ...blank(mid, publication), direction: "sendonly", sendSsrc: ssrc, rtxSsrc });
      return { rid, mid, ssrc, rtxSsrc };
    });
    return { kind, codecs: section.codecs, layers };
  }

  /** A section to receive a carried publication in. @returns Its mid. */
  take({ kind, codecs, layers }: Carried): string {
    const mid = this.#mid(`in-${kind}`);
    const rids = layers.map(({ rid }) => rid).filter((rid) => rid !== "");
    this.#sections.set(mid, { ...blank(mid, { kind, section: { codecs } }), direction: "recvonly", rids });
    return mid;
  }

  /** Sections that are not used any more. */
  release(mids: readonly string[]): void {
    for (const mid of mids) {
      const section = this.#sections.get(mid);
      if (!section || section.kind === "application") continue;
      this.#free[`${section.direction === "sendonly" ? "out" : "in"}-${section.kind}`].push(mid);
    }
  }

  #mid(use: Use): string {
    return this.#free[use].pop() ?? `${use.startsWith("out") ? "o" : "i"}${this.#last++}`;
  }
}

function blank(
  mid: string,
  { kind, section }: { readonly kind: "audio" | "video"; readonly section: Pick<Section, "codecs"> },
): Section {
  return {
    mid,
    kind,
    direction: "inactive",
    rids: [],
    sendSsrc: undefined,
    rtxSsrc: undefined,
    codecs: section.codecs,
    extensions: EXTENSIONS,
    remoteSsrcs: [],
    rejected: false,
  };
}
