import type { Docstrings } from "./docstrings.ts";
import type { Definitions, JsonSchema } from "./json-schema.ts";
import { code, table } from "./markdown.ts";

/** What the tables are made of: the schemas, and the docstrings that stand beside them in the source. */
export interface SchemaSource {
  readonly definitions: Definitions;
  readonly docstrings: Docstrings;
}

/** One section for each variant of a union that is told apart by a constant field. */
export function unionSections(source: SchemaSource, name: string, level: number): string {
  const variants = source.definitions[name]?.oneOf ?? [];
  return variants.map((variant) => variantSection(source, name, variant, level)).join("\n\n");
}

/** One section for each of the named schemas, in alphabetical order. */
export function typeSections(source: SchemaSource, names: readonly string[], level: number): string {
  return [...names]
    .sort((a, b) => a.localeCompare(b, "en"))
    .map((name) => typeSection(source, name, level))
    .join("\n\n");
}

function variantSection(source: SchemaSource, union: string, variant: JsonSchema, level: number): string {
  const named = referenceOf(variant);
  const schema = named === undefined ? variant : (source.definitions[named] ?? variant);
  const about = named === undefined ? schema.description : source.docstrings.get(named);
  const tag = discriminator(schema);
  const title = `${anchor(`${union}-${tag}`)}${"#".repeat(level)} \`${tag}\``;
  return [title, about, fieldTable(schema, true)].filter(Boolean).join("\n\n");
}

function typeSection(source: SchemaSource, name: string, level: number): string {
  const schema = source.definitions[name] ?? {};
  const title = `${anchor(name)}${"#".repeat(level)} ${name}`;
  const about = source.docstrings.get(name) ?? schema.description;
  return [title, about, body(schema)].filter(Boolean).join("\n\n");
}

function body(schema: JsonSchema): string {
  if (schema.properties !== undefined) return fieldTable(schema, false);
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants === undefined) return [typeWords(schema), limits(schema)].filter(Boolean).join("; ");
  if (variants.some((variant) => variant.properties === undefined)) return typeWords(schema);
  return table(
    ["variant", "fields"],
    variants.map((variant) => [code(discriminator(variant)), fieldList(variant)]),
  );
}

function fieldTable(schema: JsonSchema, hideTag: boolean): string {
  const fields = Object.entries(schema.properties ?? {}).filter(([, field]) => !(hideTag && field.const !== undefined));
  if (fields.length === 0) return "No fields.";
  const rows = fields.map(([name, field]) => [
    code(name),
    typeWords(field),
    schema.required?.includes(name) === true ? "yes" : "no",
    limits(field),
    field.description ?? "",
  ]);
  return table(["field", "type", "required", "limits", "meaning"], rows);
}

function fieldList(schema: JsonSchema): string {
  const fields = Object.entries(schema.properties ?? {}).filter(([, field]) => field.const === undefined);
  const words = fields.map(([name, field]) => {
    const mark = schema.required?.includes(name) === true ? "" : "?";
    return `\`${name}${mark}\` ${typeWords(field)}${field.description === undefined ? "" : ` (${field.description.replace(/\.$/, "")})`}`;
  });
  return words.length === 0 ? "none" : words.join(", ");
}

/** Headings repeat (a `signal` goes both ways), so sections are linked by ids of their own. */
function anchor(id: string): string {
  return `<a id="${id}"></a>\n\n`;
}

/** The value of the constant field that names a variant. */
function discriminator(schema: JsonSchema): string {
  const tag = Object.values(schema.properties ?? {}).find((field) => field.const !== undefined);
  return String(tag?.const ?? "?");
}

function typeWords(schema: JsonSchema): string {
  const named = referenceOf(schema);
  if (named !== undefined) return `[${named}](#${named})`;
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((value) => code(JSON.stringify(value))).join(" or ");
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants !== undefined) return variants.map(typeWords).join(" or ");
  if (schema.type === "array") return `list of ${typeWords(schema.items ?? {})}`;
  if (schema.properties !== undefined) return `object: ${fieldList(schema)}`;
  return schema.type ?? "anything";
}

function limits(schema: JsonSchema): string {
  const found = [
    range(schema.minimum, schema.maximum, ""),
    range(schema.minLength, schema.maxLength, " characters"),
    range(schema.minItems, schema.maxItems, " items"),
    schema.pattern === undefined ? "" : `matches ${code(schema.pattern)}`,
  ];
  return found.filter(Boolean).join("; ");
}

function range(low: number | undefined, high: number | undefined, unit: string): string {
  // What JSON can carry exactly is not a limit anybody chose.
  const top = high === Number.MAX_SAFE_INTEGER ? undefined : high;
  const bottom = low === Number.MIN_SAFE_INTEGER ? undefined : low;
  if (bottom === undefined && top === undefined) return "";
  if (top === undefined) return `at least ${bottom}${unit}`;
  return bottom === undefined || (bottom === 0 && unit !== "") ? `at most ${top}${unit}` : `${bottom} to ${top}${unit}`;
}

/** The name a schema refers to, also where a description was added to the reference. */
function referenceOf(schema: JsonSchema): string | undefined {
  const reference = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined);
  return reference?.split("/").at(-1);
}
