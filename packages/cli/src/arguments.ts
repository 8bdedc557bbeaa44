import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { LodelineError } from "@lodeline/base";

/** Values of options, by name: strings, flags, or lists of strings. */
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/**
 * Reads a command's options.
 *
 * @throws LodelineError `config/invalid` for an option that the command does not have, or one without its value.
 */
export function readOptions(args: readonly string[], options: ParseArgsOptionsConfig): OptionValues {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    // Node adds advice of its own after the first sentence, which would lead astray here.
    const said = cause instanceof Error ? (cause.message.split(". ")[0] ?? "") : String(cause);
    throw new LodelineError("config/invalid", { field: "arguments", detail: `${said}.`, cause });
  }
}

/** An option's text, `undefined` when it was not given. */
export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** Every text of an option that may be given more than once. */
export function listOption(values: OptionValues, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/**
 * An option's whole number.
 *
 * @throws LodelineError `config/invalid` naming the option when it is no whole number within `least` .. `most`.
 */
export function numberOption(
  values: OptionValues,
  name: string,
  range: { readonly least: number; readonly most: number },
): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.least && value <= range.most) return value;
  const detail = `--${name} is a whole number from ${range.least} to ${range.most}, not "${text}".`;
  throw new LodelineError("config/invalid", { field: name, detail });
}

/**
 * An option that is one of a few words.
 *
 * @throws LodelineError `config/invalid` naming the option and the words.
 */
export function wordOption<Word extends string>(
  values: OptionValues,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const word = words.find((one) => one === text);
  if (word !== undefined) return word;
  throw new LodelineError("config/invalid", { field: name, detail: `--${name} is one of ${words.join(", ")}.` });
}
