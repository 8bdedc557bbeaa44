import "./style/tokens.css";
import "./style/base.css";
import "./style/controls.css";
import "./style/lobby.css";
import "./style/room.css";
import "./style/tiles.css";
import "./style/calls.css";
import "./style/people.css";
import "./style/reconnecting.css";
import "./style/developer.css";
import { render } from "preact";
import { listenForCalls } from "./state/calls.ts";
import { ringAloud } from "./state/ring-sound.ts";
import { App } from "./view/app.tsx";

listenForCalls();
ringAloud();
const host = document.getElementById("page");
if (host) render(<App />, host);
