import "./style/tokens.css";
import "./style/base.css";
import "./style/controls.css";
import "./style/lobby.css";
import "./style/room.css";
import "./style/tiles.css";
import { render } from "preact";
import { App } from "./view/app.tsx";

const host = document.getElementById("page");
if (host) render(<App />, host);
