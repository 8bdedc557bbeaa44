import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { measuredOptions, serveMeasured } from "./worker-process.ts";

/** What the plain Node forwarder is told. */
interface Options {
  /** UDP ports on loopback that take the packets. */
  readonly ports: readonly number[];
}

// The bound for forwarding in TypeScript: for each packet that arrives one GCM decryption, and for each receiver one GCM
// encryption and one send, with Node's own crypto and dgram and nothing else: no header, no table, no statistics.
const { ports } = measuredOptions<Options>();
const TAG_BYTES = 16;
const HEADER_BYTES = 12;
const key = randomBytes(16);
const iv = randomBytes(12);
const lookup = (_host: string, _options: unknown, done: (error: null, address: string, family: number) => void) =>
  done(null, "127.0.0.1", 4);
const socket = createSocket({
  type: "udp4",
  lookup: lookup as never,
  recvBufferSize: 4 << 20,
  sendBufferSize: 4 << 20,
});
let sent = 0;
socket.on("message", (packet) => {
  const header = packet.subarray(0, HEADER_BYTES);
  const body = packet.subarray(HEADER_BYTES, packet.length - TAG_BYTES);
  const decipher = createDecipheriv("aes-128-gcm", key, iv);
  decipher.setAAD(header);
  const plain = decipher.update(body);
  for (const port of ports) {
    const cipher = createCipheriv("aes-128-gcm", key, iv);
    cipher.setAAD(header);
    const sealed = cipher.update(plain);
    cipher.final();
    socket.send(Buffer.concat([header, sealed, cipher.getAuthTag()]), port, "127.0.0.1");
    sent++;
  }
});
socket.bind(0, "127.0.0.1", () => serveMeasured({ port: socket.address().port }, () => ({ sent })));
