import { HERE, NetworkNamespace } from "./network-namespace.ts";

/** A machine in which a browser runs, and what happens to its network while it does. */
export interface MovingMachine extends AsyncDisposable {
  /** Where this machine, with the server, is seen from inside. */
  readonly host: string;
  /** A script that starts Chromium inside. */
  chromium(): string;
  /** What the test is about. */
  move(): Promise<void>;
  /** Takes it back, where that is another thing to look at. */
  moveBack?(): Promise<void>;
}

/** 1 .. 250: the third part of every address of this process, so that two tests at once do not meet. */
const NET = 1 + (process.pid % 250);
/** The far ends of cables are in this machine's own namespace, where names are shared with everybody. */
const tag = (letter: string) => `ll${process.pid % 100_000}${letter}`;

/** One cable; its only address is replaced by another. */
export async function replacedAddress(): Promise<MovingMachine> {
  const inside = await NetworkNamespace.make("replaced");
  const [host, first, second] = [1, 2, 3].map((last) => `10.213.${NET}.${last}`);
  await inside.connect({ name: "cable", address: `${first}/24` }, { at: HERE, name: tag("r"), address: `${host}/24` });
  await inside.ip(`route add default via ${host}`);
  return {
    host: `${host}`,
    chromium: () => inside.chromium(),
    move: () =>
      inside.ip(
        `addr del ${first}/24 dev cable`,
        `addr add ${second}/24 dev cable`,
        `route replace default via ${host}`,
      ),
    [Symbol.asyncDispose]: () => inside[Symbol.asyncDispose](),
  };
}

/**
 * Two ways to the same server; the one that is preferred goes away, and comes back. Their names make one of them a cable to
 * Chromium and the other a radio, which it likes less.
 */
export async function handOver(): Promise<MovingMachine> {
  const inside = await NetworkNamespace.make("two");
  // Beyond both cables, as a server on the internet is; each cable has its own way there.
  const host = `10.212.${NET}.1`;
  const wired = (last: number) => `10.213.${NET}.${last}`;
  const spare = (last: number) => `10.214.${NET}.${last}`;
  await inside.connect(
    { name: "eth0", address: `${wired(2)}/24` },
    { at: HERE, name: tag("w"), address: `${host}/32` },
  );
  await inside.connect(
    { name: "wlan0", address: `${spare(2)}/24` },
    { at: HERE, name: tag("s"), address: `${spare(1)}/24` },
  );
  await NetworkNamespace.here(`addr add ${wired(1)}/24 dev ${tag("w")}`);
  const preferred = `route add default via ${wired(1)} dev eth0 metric 100`;
  await inside.ip(
    preferred,
    `route add default via ${spare(1)} dev wlan0 metric 200`,
    // What is sent from the spare's address leaves by the spare, as telephones have it.
    `route add default via ${spare(1)} dev wlan0 table 100`,
    `rule add from ${spare(2)} lookup 100`,
  );
  return {
    host,
    chromium: () => inside.chromium(),
    // The address goes with the cable, or what is sent from it would go out by the other one.
    move: () => inside.ip(`addr del ${wired(2)}/24 dev eth0`, "link set eth0 down"),
    moveBack: () => inside.ip("link set eth0 up", `addr add ${wired(2)}/24 dev eth0`, preferred),
    [Symbol.asyncDispose]: () => inside[Symbol.asyncDispose](),
  };
}

/** One cable to a router that translates addresses; the router's outer address is replaced. Nothing inside changes. */
export async function behindNat(): Promise<MovingMachine> {
  const router = await NetworkNamespace.make("router");
  const inside = await NetworkNamespace.make("inside");
  const [host, first, second] = [1, 2, 3].map((last) => `10.213.${NET}.${last}`);
  const [gateway, own] = [1, 2].map((last) => `10.214.${NET}.${last}`);
  await router.connect({ name: "outer", address: `${first}/24` }, { at: HERE, name: tag("n"), address: `${host}/24` });
  await inside.connect(
    { name: "cable", address: `${own}/24` },
    { at: router, name: "inner", address: `${gateway}/24` },
  );
  await inside.ip(`route add default via ${gateway}`);
  await router.exec("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
  await router.exec("nft", "add table ip nat");
  await router.exec("nft", "add chain ip nat out { type nat hook postrouting priority 100; }");
  await router.exec("nft", 'add rule ip nat out oifname "outer" masquerade');
  return {
    host: `${host}`,
    chromium: () => inside.chromium(),
    move: () => router.ip(`addr del ${first}/24 dev outer`, `addr add ${second}/24 dev outer`),
    [Symbol.asyncDispose]: async () => {
      await inside[Symbol.asyncDispose]();
      await router[Symbol.asyncDispose]();
    },
  };
}
