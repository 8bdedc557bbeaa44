import { LodelineError } from "@lodeline/base";
import { createTokens } from "@lodeline/server";
import { readOptions, textOption } from "../arguments.ts";
import { parseDuration } from "../duration.ts";
import { EXIT } from "../exit-codes.ts";
import { joinLink } from "../join-link.ts";
import { loadKeys } from "../keys.ts";
import type { Terminal } from "../terminal.ts";

const OPTIONS = {
  "key-file": { type: "string" },
  room: { type: "string" },
  identity: { type: "string" },
  name: { type: "string" },
  admin: { type: "boolean" },
  ttl: { type: "string" },
  url: { type: "string" },
} as const;

/** `lodeline token`: signs a join token and prints it, or a link that carries it. */
export async function tokenCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const values = readOptions(args, OPTIONS);
  const [room, identity, url] = [textOption(values, "room"), textOption(values, "identity"), textOption(values, "url")];
  if (identity === undefined) throw missing("identity");
  if (room === undefined) throw missing("room");
  const ttl = textOption(values, "ttl");
  const tokens = createTokens(await loadKeys(textOption(values, "key-file"), terminal.environment), () => Date.now());
  const token = await tokens.sign({
    room,
    identity,
    name: textOption(values, "name"),
    admin: values.admin === true,
    ttlSeconds: ttl === undefined ? undefined : parseDuration(ttl, "ttl"),
  });
  terminal.out(url === undefined ? token : joinLink(url, room, token));
  return EXIT.ok;
}

function missing(option: string): LodelineError {
  return new LodelineError("config/invalid", { field: option, detail: `--${option} is needed.` });
}
