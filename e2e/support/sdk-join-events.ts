import type { SdkLab } from "./sdk-page-script.ts";

/**
 * Runs on the page before a join: notes everything that happens in it as `event <what>`, and reloads the page at one of
 * them.
 *
 * @param reloadAt - Which, from 0; -1 reloads at none.
 */
export function watchJoin(lab: SdkLab, reloadAt: number): void {
  let count = 0;
  let reloading = false;
  const happened = (what: string) => {
    if (reloading) return;
    lab.note(`event ${what}`);
    if (count++ !== reloadAt) return;
    reloading = true;
    location.reload();
  };
  const { mediaDevices } = navigator;
  const { getUserMedia } = mediaDevices;
  mediaDevices.getUserMedia = async (constraints) => {
    happened("devices asked for");
    const stream = await getUserMedia.call(mediaDevices, constraints);
    happened("devices given");
    return stream;
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function watched(text) {
    const type = /"type":"([a-z-]+)"/.exec(String(text))?.[1];
    send.call(this, text);
    if (type) happened(`${type} sent`);
  };
  const Socket = WebSocket;
  globalThis.WebSocket = class extends Socket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("open", () => happened("socket open"));
      this.addEventListener("message", ({ data }) => {
        const type = /"type":"([a-z-]+)"/.exec(String(data))?.[1];
        if (type) happened(`${type} heard`);
      });
    }
  };
  lab.onStep = ({ step }) => happened(`step ${step}`);
  lab.onJoined = (room) => {
    happened("joined");
    room.on("connection", ({ link, media }) => happened(`connection ${link} ${media}`));
    room.on("standing", ({ participant, truth }) => happened(`${participant.name}'s ${truth.source} ${truth.words}`));
    for (const video of document.querySelectorAll("video"))
      video.requestVideoFrameCallback(() => happened("first picture"));
  };
}
