import type { BitReader, BitWriter } from "./bits.ts";

/** What a frame is to one decode target. AV1 RTP specification, appendix A.8.1. */
export const INDICATION = { notPresent: 0, discardable: 1, switch: 2, required: 3 } as const;

/** What one frame, or the template of one, depends on. */
export interface FrameDependencies {
  readonly spatialLayer: number;
  readonly temporalLayer: number;
  /** One {@link INDICATION} for each decode target. */
  readonly indications: readonly number[];
  /** Frame numbers back to each frame that is referred to. */
  readonly frameDiffs: readonly number[];
  /** Frame numbers back to the last frame of each chain; 0: this one begins it. */
  readonly chainDiffs: readonly number[];
}

/** One decode target: the layers that it consists of. */
export interface DecodeTarget {
  readonly spatialLayer: number;
  readonly temporalLayer: number;
}

/** The template dependency structure. AV1 RTP specification, appendix A.8.2. */
export interface DependencyStructure {
  /** Number of the first template, 0 .. 63. */
  readonly templateIdOffset: number;
  /** 1 .. 32. */
  readonly targets: readonly DecodeTarget[];
  /** 1 .. 64. */
  readonly templates: readonly FrameDependencies[];
  readonly chainCount: number;
  /** The chain of each decode target; empty without chains. */
  readonly protectedBy: readonly number[];
  /** Pixels of each spatial layer; empty when they are not told. */
  readonly resolutions: readonly { readonly width: number; readonly height: number }[];
}

const TEMPLATE_LIMIT = 64;

/** What follows a template's layer. */
const NEXT = { same: 0, temporal: 1, spatial: 2, end: 3 } as const;

/** Reads a structure. @returns `undefined` when it is cut short or has too many templates or layers. */
export function parseStructure(bits: BitReader): DependencyStructure | undefined {
  const templateIdOffset = bits.read(6);
  const targetCount = bits.read(5) + 1;
  const layers = parseLayers(bits);
  if (layers === undefined) return undefined;
  const indications = layers.map(() => repeat(targetCount, () => bits.read(2)));
  const frameDiffs = layers.map(() => parseDiffs(bits));
  const chainCount = bits.readBelow(targetCount + 1);
  const protectedBy = chainCount === 0 ? [] : repeat(targetCount, () => bits.readBelow(chainCount));
  const chainDiffs = layers.map(() => repeat(chainCount, () => bits.read(4)));
  const spatialCount = (layers.at(-1)?.spatialLayer ?? 0) + 1;
  const resolutions = bits.flag()
    ? repeat(spatialCount, () => ({ width: bits.read(16) + 1, height: bits.read(16) + 1 }))
    : [];
  if (bits.failed) return undefined;
  const templates = layers.map((layer, at) => ({
    ...layer,
    indications: indications[at] as number[],
    frameDiffs: frameDiffs[at] as number[],
    chainDiffs: chainDiffs[at] as number[],
  }));
  return {
    templateIdOffset,
    targets: targetsOf(templates, targetCount),
    templates,
    chainCount,
    protectedBy,
    resolutions,
  };
}

/** Each decode target's layers are the highest of the templates present in it. AV1 RTP specification, `decode_target_layers`. */
export function targetsOf(templates: readonly FrameDependencies[], targetCount: number): DecodeTarget[] {
  return Array.from({ length: targetCount }, (_, target) => {
    const present = templates.filter(({ indications }) => indications[target] !== INDICATION.notPresent);
    return {
      spatialLayer: Math.max(0, ...present.map(({ spatialLayer }) => spatialLayer)),
      temporalLayer: Math.max(0, ...present.map(({ temporalLayer }) => temporalLayer)),
    };
  });
}

function parseLayers(bits: BitReader): DecodeTarget[] | undefined {
  const layers: DecodeTarget[] = [];
  let [spatialLayer, temporalLayer] = [0, 0];
  while (layers.length < TEMPLATE_LIMIT) {
    layers.push({ spatialLayer, temporalLayer });
    const next = bits.read(2);
    if (bits.failed) return undefined;
    if (next === NEXT.end) return layers;
    if (next === NEXT.temporal) temporalLayer++;
    if (next === NEXT.spatial) [spatialLayer, temporalLayer] = [spatialLayer + 1, 0];
    // Layers are numbered in 2 and 3 bits wherever else they stand.
    if (spatialLayer > 3 || temporalLayer > 7) return undefined;
  }
  return undefined;
}

function parseDiffs(bits: BitReader): number[] {
  const diffs: number[] = [];
  while (bits.flag()) diffs.push(bits.read(4) + 1);
  return diffs;
}

function repeat<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

/** Writes a structure as {@link parseStructure} reads it. Its templates stand in the order of their layers. */
export function writeStructure(bits: BitWriter, structure: DependencyStructure): void {
  const { templates, targets, chainCount } = structure;
  bits.write(structure.templateIdOffset, 6);
  bits.write(targets.length - 1, 5);
  for (const [at, template] of templates.entries()) bits.write(nextOf(template, templates[at + 1]), 2);
  for (const { indications } of templates) for (const one of indications) bits.write(one, 2);
  for (const { frameDiffs } of templates) {
    for (const diff of frameDiffs) bits.write(0x10 | (diff - 1), 5);
    bits.write(0, 1);
  }
  bits.writeBelow(chainCount, targets.length + 1);
  for (const chain of structure.protectedBy) bits.writeBelow(chain, chainCount);
  for (const { chainDiffs } of templates) for (const diff of chainDiffs) bits.write(diff, 4);
  bits.write(structure.resolutions.length > 0 ? 1 : 0, 1);
  for (const { width, height } of structure.resolutions) {
    bits.write(width - 1, 16);
    bits.write(height - 1, 16);
  }
}

function nextOf(template: DecodeTarget, next: DecodeTarget | undefined): number {
  if (next === undefined) return NEXT.end;
  if (next.spatialLayer !== template.spatialLayer) return NEXT.spatial;
  return next.temporalLayer === template.temporalLayer ? NEXT.same : NEXT.temporal;
}
