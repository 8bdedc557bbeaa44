import { createSecret, cryptoRandom } from "@lodeline/base";
import { createSigningKey, createTokens } from "@lodeline/server";
import { numberOption, readOptions, textOption } from "../arguments.ts";
import { devBanner } from "../banner.ts";
import { joinLink } from "../join-link.ts";
import { keptKey } from "../kept-key.ts";
import { pageDirectory } from "../page-directory.ts";
import { runServer } from "../run-server.ts";
import type { Terminal } from "../terminal.ts";
import { logLevelOption, mediaAddresses, PORT_RANGE, SERVER_OPTIONS, storageIn } from "./server-options.ts";

const OPTIONS = { ...SERVER_OPTIONS, room: { type: "string" }, faults: { type: "boolean" } } as const;
const MODERATOR_TTL_SECONDS = 24 * 60 * 60;

/** `lodeline dev`: an open server on loopback, with a key that lives as long as it does, or as its data folder. */
export async function devCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const values = readOptions(args, OPTIONS);
  const random = cryptoRandom((into) => crypto.getRandomValues(into));
  const data = textOption(values, "data");
  const key = data === undefined ? createSigningKey(random) : await keptKey(data, () => createSigningKey(random));
  const room = textOption(values, "room") ?? `${createSecret(random, 4)}-${createSecret(random, 4)}`;
  const token = await createTokens([key], () => Date.now()).sign({
    identity: `u_${createSecret(random, 16)}`,
    name: "Moderator",
    room,
    admin: true,
    ttlSeconds: MODERATOR_TTL_SECONDS,
  });
  const page = textOption(values, "page") ?? pageDirectory();
  return await runServer({
    request: {
      options: {
        access: { kind: "open", keys: [key] },
        host: textOption(values, "host"),
        port: numberOption(values, "port", PORT_RANGE),
        pageDirectory: page,
        media: { addresses: mediaAddresses(values) },
        storage: storageIn(data),
        faults: values.faults === true,
      },
      logLevel: logLevelOption(values) ?? "warn",
    },
    onReady: (url) => {
      const links = { url, join: joinLink(url, room), moderate: joinLink(url, room, token) };
      for (const line of devBanner(links, page !== undefined)) terminal.out(line);
    },
    say: terminal.err,
  });
}
