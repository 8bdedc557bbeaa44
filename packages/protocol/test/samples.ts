import { integer, type Random } from "@lodeline/base";

/** A schema seen from outside: what a test needs of its definition. */
export interface Schema {
  readonly _zod: { readonly def: Def };
}

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly options?: readonly Schema[];
  readonly innerType?: Schema;
  readonly element?: Schema;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly format?: string;
  readonly checks?: readonly { readonly _zod: { readonly def: CheckDef } }[];
}

interface CheckDef {
  readonly check: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly value?: number;
}

/** A place in a value, with the schema that holds there. */
export interface Place {
  readonly path: readonly string[];
  readonly schema: Schema;
  readonly value: unknown;
}

function bounds(def: Def) {
  const found = { min: 0, max: Number.POSITIVE_INFINITY };
  for (const { _zod } of def.checks ?? []) {
    const { check, minimum, maximum, value = 0 } = _zod.def;
    if (check === "min_length") found.min = minimum ?? 0;
    if (check === "max_length") found.max = maximum ?? 0;
    if (check === "greater_than") found.min = value;
    if (check === "less_than") found.max = value;
  }
  return found;
}

const SIGNS = 'abcXYZ019 _:>.-€😀"\\\n';

/** A random value that fits. */
export function sample(schema: Schema, random: Random): unknown {
  const { def } = schema._zod;
  const { min, max } = bounds(def);
  switch (def.type) {
    case "object":
      return sampleObject(def.shape ?? {}, random);
    case "union":
      return sample(pick(def.options ?? [], random), random);
    case "optional":
      return integer(random, 2) === 0 ? undefined : sample(inner(def), random);
    case "nullable":
      return integer(random, 2) === 0 ? null : sample(inner(def), random);
    case "array":
      return Array.from({ length: integer(random, Math.min(4, max + 1)) }, () => sample(element(def), random));
    case "string": {
      let text = "";
      const length = min + integer(random, 12);
      while (text.length < length) text += pick([...SIGNS], random);
      return text.slice(0, Math.min(max, 20)).replace(/[\ud800-\udbff]$/, "x");
    }
    case "number":
      return min + integer(random, Math.min(1000, max - min + 1)) + (def.format === "safeint" ? 0 : 0.5);
    case "boolean":
      return integer(random, 2) === 1;
    case "literal":
      return pick(def.values ?? [], random);
    case "enum":
      return pick(Object.values(def.entries ?? {}), random);
    default:
      throw new Error(`a schema of type ${def.type}: teach the samples`);
  }
}

function sampleObject(shape: Readonly<Record<string, Schema>>, random: Random): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(shape)) {
    const one = sample(field, random);
    if (one !== undefined) value[key] = one;
  }
  return value;
}

/** Every place in a value, the value itself first. Unions are followed into the option that fits. */
export function places(schema: Schema, value: unknown, path: readonly string[] = []): Place[] {
  const { def } = schema._zod;
  if (def.type === "optional" || def.type === "nullable") {
    return value === undefined || value === null ? [] : places(inner(def), value, path);
  }
  if (def.type === "union") return places(optionOf(def, value), value, path);
  const here: Place = { path, schema, value };
  if (def.type === "array") {
    return [here, ...(value as unknown[]).flatMap((one, i) => places(element(def), one, [...path, String(i)]))];
  }
  if (def.type !== "object") return [here];
  const record = value as Record<string, unknown>;
  const fields = Object.entries(def.shape ?? {});
  return [here, ...fields.flatMap(([key, field]) => places(field, record[key], [...path, key]))];
}

/** The option of a discriminated union that a value belongs to. */
function optionOf(def: Def, value: unknown): Schema {
  const record = value as Record<string, unknown>;
  const found = (def.options ?? []).find(({ _zod }) =>
    Object.entries(_zod.def.shape ?? {}).every(
      ([key, { _zod: field }]) => field.def.type !== "literal" || field.def.values?.includes(record[key]),
    ),
  );
  if (!found) throw new Error("no option fits");
  return found;
}

/** The literals that tell the options of every union in a schema apart, as `key=value`: what samples should cover. */
export function kindsIn(schema: Schema, into: Set<string> = new Set()): Set<string> {
  const { def } = schema._zod;
  for (const option of def.options ?? []) {
    for (const [key, { _zod }] of Object.entries(option._zod.def.shape ?? {})) {
      if (_zod.def.type === "literal") into.add(`${key}=${String(_zod.def.values?.[0])}`);
    }
    kindsIn(option, into);
  }
  for (const field of Object.values(def.shape ?? {})) kindsIn(field, into);
  if (def.innerType) kindsIn(def.innerType, into);
  if (def.element) kindsIn(def.element, into);
  return into;
}

/** The limit of a text or list: at most so long; `undefined` where there is none. */
export function limitOf(schema: Schema): number | undefined {
  const { def } = schema._zod;
  const { max } = bounds(def);
  return (def.type === "string" || def.type === "array") && Number.isFinite(max) ? max : undefined;
}

/** A copy with another value at a path; `undefined` takes the field away. */
export function withValue(value: unknown, path: readonly string[], replacement: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  if (Array.isArray(value)) return value.map((one, i) => (String(i) === key ? withValue(one, rest, replacement) : one));
  const record = { ...(value as Record<string, unknown>) };
  const next = withValue(record[key], rest, replacement);
  if (next === undefined) delete record[key];
  else record[key] = next;
  return record;
}

/** One of several. */
export function pick<T>(from: readonly T[], random: Random): T {
  const one = from[integer(random, from.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
}

function inner(def: Def): Schema {
  if (!def.innerType) throw new Error("no inner type");
  return def.innerType;
}

function element(def: Def): Schema {
  if (!def.element) throw new Error("no element");
  return def.element;
}
