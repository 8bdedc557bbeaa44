import { listOption, numberOption, readOptions, textOption } from "../arguments.ts";
import { keyHint } from "../banner.ts";
import { loadKeys } from "../keys.ts";
import { pageDirectory } from "../page-directory.ts";
import { runServer } from "../run-server.ts";
import type { Terminal } from "../terminal.ts";
import { logLevelOption, mediaOptions, PORT_RANGE, SERVER_OPTIONS, speakerCount, storageIn } from "./server-options.ts";

const OPTIONS = {
  ...SERVER_OPTIONS,
  "key-file": { type: "string" },
  origin: { type: "string", multiple: true },
  "media-ports": { type: "string" },
  "no-data": { type: "boolean" },
} as const;

const DEFAULT_DATA = "lodeline-data";

/** `lodeline serve`: a server that wants tokens. Without a signing key it does not start. */
export async function serveCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const values = readOptions(args, OPTIONS);
  const keys = await loadKeys(textOption(values, "key-file"), terminal.environment);
  return await runServer({
    request: {
      options: {
        access: { kind: "keys", keys },
        host: textOption(values, "host") ?? "0.0.0.0",
        port: numberOption(values, "port", PORT_RANGE),
        origins: listOption(values, "origin"),
        pageDirectory: textOption(values, "page") ?? pageDirectory(),
        storage: storageIn(values["no-data"] === true ? undefined : (textOption(values, "data") ?? DEFAULT_DATA)),
        loudestSpeakers: speakerCount(values),
        media: await mediaOptions(values, terminal.environment),
      },
      logLevel: logLevelOption(values) ?? "info",
    },
    onReady: (url) => terminal.out(`Lodeline listens at ${url}. ${keyHint(keys)}`),
    say: terminal.err,
  });
}
