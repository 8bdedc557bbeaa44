import { kindOf, publicationId, type Source, type View } from "@lodeline/protocol";
import type { ShownSize } from "../api/media-api.ts";

/** A screen's letters come before anybody's face when bandwidth is short. */
const SCREEN_PRIORITY = 5;

/** The largest width and height the protocol carries. */
const LONGEST = 16_384;

/** What is shown of each publication; told whole whenever a part of it changes. */
export class Views {
  readonly #views = new Map<string, View>();
  readonly #tell: (views: readonly View[]) => void;

  constructor(tell: (views: readonly View[]) => void) {
    this.#tell = tell;
  }

  /** Notes how large one publication is shown. */
  show(participant: string, source: Source, size: ShownSize): void {
    const publication = publicationId(participant, source);
    const video = kindOf(source) === "video";
    const next: View = {
      publication,
      width: video ? clamp(size.width, LONGEST) : 0,
      height: video ? clamp(size.height, LONGEST) : 0,
      visible: size.visible ?? true,
      priority: clamp(size.priority ?? (source === "screen" ? SCREEN_PRIORITY : 0), 9),
    };
    if (sameView(this.#views.get(publication), next)) return;
    this.#views.set(publication, next);
    this.#tell([...this.#views.values()]);
  }

  /** Forgets who has left; told with the next change. */
  forget(participant: string): void {
    for (const publication of [...this.#views.keys()])
      if (publication.startsWith(`${participant}:`)) this.#views.delete(publication);
  }
}

function clamp(value: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(0, Math.round(value))) : 0;
}

function sameView(one: View | undefined, other: View): boolean {
  return (
    one !== undefined &&
    one.width === other.width &&
    one.height === other.height &&
    one.visible === other.visible &&
    one.priority === other.priority
  );
}
