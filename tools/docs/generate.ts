import { ERROR_CODES } from "@lodeline/base";
import * as protocol from "@lodeline/protocol";
import { listFiles, readText } from "../check/tree.ts";
import { LAYERS } from "../layers.ts";
import { blockNames, renewBlocks } from "./blocks.ts";
import { type Docstrings, readDocstrings } from "./docstrings.ts";
import { definitionsOf, schemaBundle } from "./json-schema.ts";
import { layerDiagram, layerTable } from "./layer-blocks.ts";
import { code, table } from "./markdown.ts";
import { typeSections, unionSections } from "./schema-tables.ts";
import { stateSections } from "./state-diagrams.ts";

/** Where the JSON Schema of the protocol is published. */
const SCHEMA_FILE = "docs/protocol.schema.json";

/** Unions that have sections of their own; everything else is listed under types. */
const UNIONS = ["clientFrame", "serverFrame", "clientMessage", "serverMessage", "signalBody", "roomEvent"];
/** Variants of those unions that are exported by themselves, and shown there. */
const SHOWN_AS_VARIANT = ["hello", "welcome", "fatal"];

/**
 * Every documentation file that holds something made from the code, as it should be.
 *
 * @param root - The checkout whose documents are renewed. The code they are made from is always this one's.
 * @returns Path relative to `root`, and the whole text.
 */
export async function generateDocs(root: string): Promise<Map<string, string>> {
  const blocks = await makeBlocks(root);
  const result = new Map<string, string>();
  const used = new Set<string>();
  for (const path of listFiles(root, "docs/**/*.md")) {
    const text = readText(root, path) ?? "";
    const names = blockNames(text);
    if (names.length === 0) continue;
    for (const name of names) used.add(name);
    result.set(path, renewBlocks(text, blocks));
  }
  const unused = [...blocks.keys()].filter((name) => !used.has(name));
  if (unused.length > 0) throw new TypeError(`no document in docs/ shows the generated block ${unused.join(", ")}`);
  result.set(
    SCHEMA_FILE,
    schemaBundle(definitionsOf(protocol), `Lodeline protocol, version ${protocol.PROTOCOL_VERSION}`),
  );
  return result;
}

async function makeBlocks(root: string): Promise<Map<string, string>> {
  const docstrings = readDocstrings(root, "protocol");
  const source = { definitions: definitionsOf(protocol), docstrings };
  const types = Object.keys(source.definitions).filter(
    (name) => !UNIONS.includes(name) && !SHOWN_AS_VARIANT.includes(name),
  );
  return new Map([
    ["errors", errorTable()],
    ["layers", layerTable(root, LAYERS)],
    ["layer-diagram", layerDiagram(LAYERS)],
    ["protocol-facts", protocolFacts(docstrings)],
    ["client-frames", unionSections(source, "clientFrame", 3)],
    ["server-frames", unionSections(source, "serverFrame", 3)],
    ["client-messages", unionSections(source, "clientMessage", 3)],
    ["server-messages", unionSections(source, "serverMessage", 3)],
    ["signals", unionSections(source, "signalBody", 3)],
    ["room-events", unionSections(source, "roomEvent", 3)],
    ["protocol-types", typeSections(source, types, 3)],
    ["limits", settingTable("LIMITS", protocol.LIMITS, docstrings)],
    ["timers", settingTable("Timers", protocol.DEFAULT_TIMERS, docstrings)],
    ["state-machines", await stateSections(root)],
    ["close-codes", settingTable("CLOSE_CODES", protocol.CLOSE_CODES, docstrings)],
  ]);
}

function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([name, { retry, summary }]) => [code(name), retry, summary]);
  return table(["code", "retry", "meaning"], rows);
}

function protocolFacts(docstrings: Docstrings): string {
  const facts = {
    PROTOCOL_VERSION: protocol.PROTOCOL_VERSION,
    SUBPROTOCOL: protocol.SUBPROTOCOL,
    LINK_PATH: protocol.LINK_PATH,
    SERVER_PEER_IDENTITY: protocol.SERVER_PEER_IDENTITY,
  };
  return table(
    ["name", "value", "meaning"],
    Object.entries(facts).map(([name, value]) => [code(name), code(String(value)), docstrings.get(name) ?? ""]),
  );
}

function settingTable(owner: string, values: object, docstrings: Docstrings): string {
  const rows = Object.entries(values).map(([name, value]) => [
    code(name),
    String(value),
    docstrings.get(`${owner}.${name}`) ?? "",
  ]);
  return table(["name", "value", "meaning"], rows);
}
