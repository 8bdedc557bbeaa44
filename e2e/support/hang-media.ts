import { MediaEngine } from "@lodeline/media";

// Preloaded into a server to be ended: its media never closes.
MediaEngine.prototype.close = () => new Promise(() => {});
