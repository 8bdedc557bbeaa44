import dgram from "node:dgram";
import { createForwardingRig } from "@lodeline/media/bench";

const K = 10,
  N = 20000;
for (const mode of ["null", "udp", "null", "udp"]) {
  let sent = 0;
  const sinks: any[] = [];
  const sockets: any[] = [];
  if (mode === "udp") {
    for (let i = 0; i < K; i++) {
      const s = dgram.createSocket("udp4");
      await new Promise<void>((r) => s.bind(0, "127.0.0.1", r));
      sinks.push(s);
    }
  }
  const out = dgram.createSocket({ type: "udp4", lookup: (h, _o, cb) => cb(null, h, 4), sendBufferSize: 4 << 20 });
  await new Promise<void>((r) => out.bind(0, "127.0.0.1", r));
  const ports = sinks.map((s) => s.address().port);
  sinks.forEach((s) => {
    s.on("message", () => {});
  });
  const rig = createForwardingRig({
    receivers: K,
    payloadBytes: 1100,
    send: (b, i) => {
      sent++;
      if (mode === "udp") out.send(b, ports[i], "127.0.0.1");
    },
  });
  const warm = rig.prepare(5000),
    main = rig.prepare(N);
  // sinks not read in this process during the loop: kernel drops
  let now = 0;
  for (const d of warm) rig.handle(d, (now += 0.2));
  sent = 0;
  const c0 = process.cpuUsage(),
    t0 = performance.now();
  for (const d of main) rig.handle(d, (now += 0.2));
  const c = process.cpuUsage(c0),
    t = performance.now() - t0;
  console.log(
    mode,
    "out",
    sent,
    "cpu us/out",
    ((c.user + c.system) / sent).toFixed(2),
    "wall us/out",
    ((t * 1000) / sent).toFixed(2),
  );
  out.close();
  sinks.forEach((s) => s.close());
}
