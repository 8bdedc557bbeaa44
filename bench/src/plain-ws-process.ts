import { WebSocketServer } from "ws";
import { serveMeasured } from "./worker-process.ts";

// The bound for signaling: a bare `ws` server that sends every text back as it came.
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
let echoed = 0;
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => {
    echoed++;
    socket.send(data, { binary });
  });
});
server.on("listening", () => {
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  serveMeasured({ url: `ws://127.0.0.1:${port}` }, () => ({ echoed }));
});
