import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { nameOf } from "../state/acquaintances.ts";
import { failed, placeCall } from "../state/calls.ts";
import { beReachable } from "../state/own-client.ts";
import { useWish } from "../state/wish.ts";
import { Avatar } from "./avatar.tsx";
import { Brand } from "./brand.tsx";
import { DeviceChoices } from "./device-choices.tsx";
import { DoorPreview } from "./door-preview.tsx";
import { Icon } from "./icon.tsx";
import { NameField } from "./name-field.tsx";
import { Notices } from "./notices.tsx";

/** Where a call link leads: see yourself, say who you are, call. */
export function CallDoor({ identity, name }: { identity: string; name: string | undefined }): JSX.Element {
  const [wish, change] = useWish();
  const who = nameOf(identity) ?? name ?? identity;
  const call = (video: boolean) => void placeCall(identity, who, video);
  useEffect(() => {
    document.title = `Call ${who} · Lodeline`;
    failed.value = undefined;
    void beReachable();
  }, [identity]);
  return (
    <div class="front">
      <header>
        <Brand />
      </header>
      <main class="two">
        <DoorPreview wish={wish} change={change} />
        <form
          class="card"
          onSubmit={(event) => {
            event.preventDefault();
            call(wish.camera);
          }}
        >
          <div class="person">
            <Avatar name={who} />
            <div>
              <p class="soft">You are about to call</p>
              <h2 class="room-name">{who}</h2>
              {who !== identity && <p class="soft">{identity}</p>}
            </div>
          </div>
          {failed.value && (
            <div class="trouble" role="alert">
              <strong>{failed.value.code === "call/self" ? "That is your own link" : "That did not work"}</strong>
              <span>
                {failed.value.code === "call/self"
                  ? "Give it to whoever should be able to call you."
                  : failed.value.detail}
              </span>
            </div>
          )}
          <NameField value={wish.name} change={(next) => change({ name: next })} name="name" />
          <DeviceChoices wish={wish} change={change} />
          <div class="row">
            <button type="button" class="button primary" onClick={() => call(true)} data-test="call-video">
              <Icon name="camera" /> Call with camera
            </button>
            <button type="button" class="button" onClick={() => call(false)} data-test="call-voice">
              <Icon name="answer" /> Voice only
            </button>
          </div>
        </form>
        <Notices />
      </main>
    </div>
  );
}
