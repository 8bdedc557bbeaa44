import { FAULT_CATALOGUE, type Parameter } from "./catalogue.ts";
import { VALUE_FORMS } from "./read-value.ts";

/** The catalogue as lines of text, for the command line. */
export function faultHelp(): string {
  const entries = FAULT_CATALOGUE.map(({ name, what, at, parameters, example }) =>
    [
      `${name}${at === "page" ? " (in the page's developer panel)" : ""}`,
      `  ${what}`,
      ...parameters.map((one) => `    ${one.name.padEnd(13)}${one.what}${formOf(one)}`),
      `  for example   ${example}`,
    ].join("\n"),
  );
  return [
    "A fault is written name:parameter=value,flag@from+for",
    "from and for are durations such as 300ms, 10s or 2m: udp:loss=5%,jitter=30ms@10s+5s",
    "loses and delays for 5 seconds, beginning 10 seconds from now.",
    "",
    entries.join("\n\n"),
  ].join("\n");
}

function formOf({ kind, words }: Parameter): string {
  if (kind === "flag") return "";
  return ` (${words ? words.join(", ") : VALUE_FORMS[kind]})`;
}
