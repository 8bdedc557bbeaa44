import type { Participant, ParticipantEvents } from "@lodeline/participant";
import { publicationId, SOURCES, type Source, type View } from "@lodeline/protocol";

/** What a page does not show of others, by who they are: ids of publications change with places. */
export class PageViews {
  readonly #hidden = new Set<string>();
  #said = NOTHING;

  /** Shows or hides one source of a person. */
  show(identity: string, source: Source, visible: boolean): void {
    if (visible) this.#hidden.delete(`${identity}:${source}`);
    else this.#hidden.add(`${identity}:${source}`);
  }

  /** Whether a source of a person is shown. */
  shows(identity: string, source: Source): boolean {
    return !this.#hidden.has(`${identity}:${source}`);
  }

  /** A place is new: nothing of what is hidden was said for it. */
  beginAnew(): void {
    this.#said = NOTHING;
  }

  /** Says what is hidden, if that makes a difference to what was said. */
  tell(participant: Participant | undefined): void {
    if (this.#hidden.size === 0 && this.#said === NOTHING) return;
    const views: View[] = [];
    for (const info of participant?.room?.participants ?? []) {
      for (const source of SOURCES) {
        if (this.shows(info.identity, source)) continue;
        const publication = publicationId(info.id, source);
        views.push({ publication, width: 0, height: 0, visible: false, priority: 0 });
      }
    }
    const said = JSON.stringify(views);
    if (said === this.#said) return;
    this.#said = said;
    participant?.setViews(views);
  }
}

/** Whether a moderator has removed this person: asking again would be refused for as long as the room lives. */
export function isBarred(name: string, event: ParticipantEvents[keyof ParticipantEvents]): boolean {
  if (name === "removed") return (event as ParticipantEvents["removed"]).code === "room/removed";
  return name === "join-failed" && (event as ParticipantEvents["join-failed"]).error.code === "room/removed";
}

const NOTHING = "[]";
