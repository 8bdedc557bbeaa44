/** Between the RID of a stream and the name of a layer inside it. */
const SEPARATOR = ":";

/** The name of a layer inside a stream: `S1T2`, or `q:S1T2` where the stream has a RID. */
export function layerName(rid: string, spatialLayer: number, temporalLayer: number): string {
  return `${rid === "" ? "" : rid + SEPARATOR}S${spatialLayer}T${temporalLayer}`;
}

/** The layers that a name means; `undefined` where it is a stream's own. */
export function layersOf(name: string): { readonly spatialLayer: number; readonly temporalLayer: number } | undefined {
  const [, spatial, temporal] = /S(\d)T(\d)$/.exec(name) ?? [];
  if (spatial === undefined) return undefined;
  return { spatialLayer: Number(spatial), temporalLayer: Number(temporal) };
}

/** The RID of the stream that carries a layer. */
export function carrierOf(name: string): string {
  if (/^S\dT\d$/.test(name)) return "";
  return name.split(SEPARATOR)[0] ?? name;
}
