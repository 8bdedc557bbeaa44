import { LodelineError } from "@lodeline/base";
import { type CatalogueEntry, catalogueEntry, FAULT_CATALOGUE } from "./catalogue.ts";
import type { Fault, FaultValue } from "./fault.ts";
import { readDuration, readValue, VALUE_FORMS } from "./read-value.ts";

/** `@` when it begins and `+` how long it lasts, each of them optional, at the end. */
const TIMING = /(?:@(?<after>[\d.]+[a-z]+))?(?:\+(?<lasting>[\d.]+[a-z]+))?$/;

/**
 * Reads a fault as it is written on the command line, in a request and in a test:
 * `name:parameter=value,flag@10s+5s` (what, how, from when, for how long).
 *
 * @throws LodelineError `config/invalid`, field `fault`, that names what does not fit and what would.
 */
export function parseFault(spec: string): Fault {
  const trimmed = spec.trim();
  const timing = TIMING.exec(trimmed);
  const body = trimmed.slice(0, timing?.index ?? trimmed.length);
  const colon = body.indexOf(":");
  const name = colon < 0 ? body : body.slice(0, colon);
  const entry = catalogueEntry(name);
  if (!entry) {
    const names = FAULT_CATALOGUE.map((one) => one.name).join(", ");
    throw unfit(`There is no fault "${name}". There are: ${names}.`);
  }
  const values = readParameters(entry, colon < 0 ? "" : body.slice(colon + 1));
  if (!entry.needs.some((one) => values[one] !== undefined)) {
    throw unfit(`"${name}" needs ${entry.needs.join(" or ")}, as in ${entry.example}.`);
  }
  return {
    name,
    values,
    afterMs: readTiming("@", timing?.groups?.after) ?? 0,
    forMs: readTiming("+", timing?.groups?.lasting),
    spec: trimmed,
  };
}

function readParameters(entry: CatalogueEntry, text: string): Record<string, FaultValue> {
  const values: Record<string, FaultValue> = {};
  for (const part of text === "" ? [] : text.split(",")) {
    const equals = part.indexOf("=");
    const key = (equals < 0 ? part : part.slice(0, equals)).trim();
    const parameter = entry.parameters.find((one) => one.name === key);
    if (!parameter) {
      const names = entry.parameters.map((one) => one.name).join(", ");
      throw unfit(`"${entry.name}" has no parameter "${key}". It has: ${names}.`);
    }
    if (values[key] !== undefined) throw unfit(`"${key}" is given twice.`);
    const value = readValue(parameter, equals < 0 ? undefined : part.slice(equals + 1).trim());
    if (value === undefined) {
      const form = parameter.words ? `one of ${parameter.words.join(", ")}` : VALUE_FORMS[parameter.kind];
      throw unfit(`"${key}" takes ${form}, not "${part}".`);
    }
    values[key] = value;
  }
  return values;
}

function readTiming(sign: "@" | "+", text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = readDuration(text);
  if (ms === undefined) throw unfit(`"${sign}${text}" is not ${VALUE_FORMS.duration}.`);
  return ms;
}

function unfit(detail: string): LodelineError {
  return new LodelineError("config/invalid", { field: "fault", detail });
}
