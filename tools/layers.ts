/** Where a package may run, and what follows from it for its sources. */
export type Realm =
  /** No clock, no randomness, no I/O, no globals of browser or Node: everything is handed in. */
  | "pure"
  /** May touch browser or Node, and third-party packages that it declares. */
  | "edge";

/** What one package may import. */
export interface Layer {
  readonly realm: Realm;
  /** Other packages of this repository. */
  readonly lodeline: readonly string[];
  /** Third-party packages a pure package may use. Edges may use whatever they declare. */
  readonly thirdParty?: readonly string[];
}

const PURE = ["base", "protocol", "rtp", "signaling", "session", "room", "participant", "hub"] as const;

/** The server's brain has no place in a page; and what encrypts between people none in the server, which cannot read it. */
const CLIENT_SIDE = [...PURE.filter((name) => name !== "hub"), "sframe"];

/**
 * The import table: the one place where it stands. The checks enforce it and
 * `docs/architecture.md` shows it. A package that is not in it fails the checks.
 */
export const LAYERS: Readonly<Record<string, Layer>> = {
  base: { realm: "pure", lodeline: [] },
  protocol: { realm: "pure", lodeline: ["base"], thirdParty: ["zod"] },
  rtp: { realm: "pure", lodeline: ["base"] },
  // Beside `rtp`, not in it: it works on frames, in a browser's worker, and no package of the server's may have it.
  sframe: { realm: "pure", lodeline: ["base", "rtp"] },
  signaling: { realm: "pure", lodeline: ["base", "protocol"] },
  session: { realm: "pure", lodeline: ["base", "protocol", "signaling"] },
  room: { realm: "pure", lodeline: ["base", "protocol"] },
  participant: { realm: "pure", lodeline: ["base", "protocol", "signaling", "session", "room"] },
  hub: { realm: "pure", lodeline: ["base", "protocol", "signaling", "session", "room"] },
  testkit: { realm: "pure", lodeline: PURE },
  native: { realm: "edge", lodeline: [] },
  media: { realm: "edge", lodeline: ["base", "rtp", "native"] },
  workers: { realm: "edge", lodeline: ["base", "media"] },
  client: { realm: "edge", lodeline: CLIENT_SIDE },
  chaos: { realm: "edge", lodeline: ["base", "protocol"] },
  server: { realm: "edge", lodeline: [...PURE, "workers", "chaos"] },
  cli: { realm: "edge", lodeline: ["base", "protocol", "chaos", "server"] },
  web: { realm: "edge", lodeline: ["base", "protocol", "client", "chaos"] },
};

/** What tests may import beside what their package may, Node itself and declared third-party packages. */
export const TEST_IMPORTS = { lodeline: ["testkit"] } as const;
