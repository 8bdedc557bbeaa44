import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { beReachable } from "../state/own-client.ts";
import { setMade } from "../state/preferences.ts";
import { inventRoomName } from "../state/room-name.ts";
import { go, roomIn } from "../state/route.ts";
import { Brand } from "./brand.tsx";
import { Notices } from "./notices.tsx";
import { ReachCard } from "./reach-card.tsx";

/** Where one makes a room or opens one by its link. */
export function Front(): JSX.Element {
  const [text, setText] = useState("");
  const named = roomIn(text);
  useEffect(() => {
    document.title = "Lodeline";
    void beReachable();
  }, []);
  const make = () => {
    const room = inventRoomName();
    setMade(room);
    go({ kind: "room", room });
  };
  const open = (event: Event) => {
    event.preventDefault();
    if (named) go({ kind: "room", room: named });
  };
  return (
    <div class="front">
      <header>
        <Brand />
      </header>
      <main class="two">
        <div class="words">
          <h1>Talk, and know that you are heard.</h1>
          <p>
            Lodeline compares what everyone should hear and see with what they do hear and see, all the time, and
            repairs the difference by itself. Every picture tells you the truth about its track.
          </p>
        </div>
        <div class="cards">
          <section class="card" aria-label="Rooms">
            <button type="button" class="button primary" onClick={make} data-test="make-room">
              Make a room
            </button>
            <div class="or">or open one</div>
            <form class="card-form inline" onSubmit={open}>
              <label class="field">
                Room name or link
                <input
                  value={text}
                  onInput={(event) => setText(event.currentTarget.value)}
                  placeholder="copper-harbour-0042"
                  autocomplete="off"
                  autocapitalize="none"
                  spellcheck={false}
                />
              </label>
              <button type="submit" class="button" disabled={!named}>
                Open
              </button>
            </form>
          </section>
          <ReachCard />
        </div>
        <Notices />
      </main>
    </div>
  );
}
