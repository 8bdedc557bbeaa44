import { createSecret, cryptoRandom, LodelineError } from "@lodeline/base";
import { catalogueEntry, faultHelp, parseFault } from "@lodeline/chaos";
import { createSigningKey, createTokens } from "@lodeline/server";
import { listOption, numberOption, readOptions, textOption } from "../arguments.ts";
import { devBanner } from "../banner.ts";
import { EXIT } from "../exit-codes.ts";
import { joinLink } from "../join-link.ts";
import { keptKey } from "../kept-key.ts";
import { pageDirectory } from "../page-directory.ts";
import { runServer } from "../run-server.ts";
import type { Terminal } from "../terminal.ts";
import { logLevelOption, mediaOptions, PORT_RANGE, SERVER_OPTIONS, speakerCount, storageIn } from "./server-options.ts";

const OPTIONS = {
  ...SERVER_OPTIONS,
  room: { type: "string" },
  faults: { type: "boolean" },
  fault: { type: "string", multiple: true },
} as const;
const MODERATOR_TTL_SECONDS = 24 * 60 * 60;

/** `lodeline dev`: an open server on loopback, with a key that lives as long as it does, or as its data folder. */
export async function devCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const values = readOptions(args, OPTIONS);
  const faults = listOption(values, "fault");
  if (faults.includes("help")) {
    terminal.out(faultHelp());
    return EXIT.ok;
  }
  for (const fault of faults) checkFault(fault);
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
        media: await mediaOptions(values, terminal.environment),
        loudestSpeakers: speakerCount(values),
        storage: storageIn(data),
        faults: values.faults === true || faults.length > 0 ? "network" : false,
      },
      faults,
      logLevel: logLevelOption(values) ?? "warn",
    },
    onReady: (url) => {
      const links = { url, join: joinLink(url, room), moderate: joinLink(url, room, token) };
      for (const line of devBanner(links, page !== undefined)) terminal.out(line);
    },
    say: terminal.err,
  });
}

/** @throws LodelineError `config/invalid` for a fault that is not written well, or that only a page can do. */
function checkFault(spec: string): void {
  const { name } = parseFault(spec);
  if (catalogueEntry(name)?.at === "server") return;
  const detail = `"${name}" is done by a page: open its developer panel.`;
  throw new LodelineError("config/invalid", { field: "fault", detail });
}
