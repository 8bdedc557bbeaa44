import * as z from "zod/mini";

/** The part of JSON Schema 2020-12 that our schemas become. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** Named schemas; references between them are `#/$defs/<name>`. */
export type Definitions = Readonly<Record<string, JsonSchema>>;

/** Every schema a module exports, by its exported name, as JSON Schema. */
export function definitionsOf(module: Readonly<Record<string, unknown>>): Definitions {
  const registry = z.registry<{ id: string }>();
  for (const [name, value] of Object.entries(module)) {
    if (isSchema(value)) registry.add(value, { id: name });
  }
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/$defs/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _id, ...schema }]) => [name, schema as JsonSchema]),
  );
}

/** The published schema document: one bundle of all definitions. */
export function schemaBundle(definitions: Definitions, title: string): string {
  const bundle = { $schema: "https://json-schema.org/draft/2020-12/schema", title, $defs: definitions };
  return `${JSON.stringify(bundle, null, 2)}\n`;
}

function isSchema(value: unknown): value is z.ZodMiniType {
  return typeof value === "object" && value !== null && "_zod" in value;
}
