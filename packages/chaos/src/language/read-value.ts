import type { Parameter, ParameterKind } from "./catalogue.ts";
import type { FaultValue } from "./fault.ts";

const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const SIZES: Readonly<Record<string, number>> = { "": 1, k: 1024, M: 1024 * 1024 };
const BITRATES: Readonly<Record<string, number>> = { bps: 1, kbps: 1000, Mbps: 1_000_000 };

/** How each kind is written, for error texts and help. */
export const VALUE_FORMS: Readonly<Record<ParameterKind, string>> = {
  flag: "nothing",
  share: "a share such as 5%",
  duration: "a duration such as 30ms, 5s or 2m",
  size: "a size such as 1500, 2k or 1M",
  bitrate: "a bitrate such as 64kbps or 1.5Mbps",
  count: "a whole number",
  word: "a word",
  text: "a text",
};

/**
 * Reads a duration.
 *
 * @returns Ms, or `undefined` when it is none.
 */
export function readDuration(text: string): number | undefined {
  return scaled(text, DURATIONS);
}

/**
 * Reads one parameter's value.
 *
 * @param text - What stands after the `=`; `undefined` where there is no `=`.
 * @returns The value, or `undefined` when it is not written as its kind is.
 */
export function readValue(parameter: Parameter, text: string | undefined): FaultValue | undefined {
  const { kind } = parameter;
  if (text === undefined) return kind === "flag" ? true : undefined;
  if (text === "") return undefined;
  switch (kind) {
    case "flag":
      return undefined;
    case "share":
      return readShare(text);
    case "duration":
      return readDuration(text);
    case "size":
      return scaled(text, SIZES);
    case "bitrate":
      return positive(scaled(text, BITRATES));
    case "count":
      return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
    case "word":
      return parameter.words?.find((word) => word === text);
    case "text":
      return text.replace(/%[0-9A-Fa-f]{2}/g, (sign) => String.fromCharCode(Number.parseInt(sign.slice(1), 16)));
  }
}

function readShare(text: string): number | undefined {
  const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const share = Number(digits) / (percent === "%" ? 100 : 1);
  return share <= 1 ? share : undefined;
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = unit === undefined || !Object.hasOwn(units, unit) ? undefined : units[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
