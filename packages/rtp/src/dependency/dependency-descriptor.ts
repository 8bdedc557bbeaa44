import { BitReader, BitWriter } from "./bits.ts";
import {
  type DependencyStructure,
  type FrameDependencies,
  parseStructure,
  writeStructure,
} from "./dependency-structure.ts";

/** AV1 RTP specification, appendix A.4: the URI of the header extension. */
export const DEPENDENCY_DESCRIPTOR_URI =
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/** Bytes of the fields that every descriptor has. */
const MANDATORY_BYTES = 3;

/** A header extension element is no longer. RFC 8285 section 4.3. */
const LIMIT_BYTES = 255;

/** The dependency descriptor of one packet. AV1 RTP specification, appendix A.8. Reusable. */
export class DependencyDescriptor {
  readonly #bits = new BitReader();
  startOfFrame = false;
  endOfFrame = false;
  /** 0 .. 63. */
  templateId = 0;
  /** 0 .. 65535. */
  frameNumber = 0;
  /** The structure that comes with this packet: the first one of a key frame. */
  attached: DependencyStructure | undefined;
  /** The decode targets that are produced, one bit each, the first one the lowest; `undefined`: as said before. */
  activeTargets: number | undefined;
  /** What this frame has in place of its template's. */
  customIndications: readonly number[] | undefined;
  customFrameDiffs: readonly number[] | undefined;
  customChainDiffs: readonly number[] | undefined;
  /** What the frame depends on, by its template and its own; `undefined` without a structure. */
  frame: FrameDependencies | undefined;

  /**
   * Looks at a header extension element.
   *
   * @param structure - The last one that came in this stream, `undefined` before the first.
   * @returns False when it is malformed, names a template that does not exist, or needs a structure that did not come.
   */
  parse(bytes: Uint8Array, offset: number, lengthBytes: number, structure: DependencyStructure | undefined): boolean {
    const bits = this.#bits;
    this.#clear();
    if (lengthBytes < MANDATORY_BYTES || offset + lengthBytes > bytes.length) return false;
    bits.open(bytes, offset, lengthBytes);
    this.startOfFrame = bits.flag();
    this.endOfFrame = bits.flag();
    this.templateId = bits.read(6);
    this.frameNumber = bits.read(16);
    if (lengthBytes === MANDATORY_BYTES) return structure !== undefined && this.#resolve(structure);
    const [attaches, tellsActive] = [bits.flag(), bits.flag()];
    const custom = { indications: bits.flag(), frameDiffs: bits.flag(), chainDiffs: bits.flag() };
    if (attaches) this.attached = parseStructure(bits);
    const known = attaches ? this.attached : structure;
    if (known === undefined) return false;
    if (tellsActive) this.activeTargets = bits.read(known.targets.length);
    else if (attaches) this.activeTargets = 2 ** known.targets.length - 1;
    if (custom.indications) this.customIndications = known.targets.map(() => bits.read(2));
    if (custom.frameDiffs) this.customFrameDiffs = parseFrameDiffs(bits);
    if (custom.chainDiffs) this.customChainDiffs = Array.from({ length: known.chainCount }, () => bits.read(8));
    return !bits.failed && this.#resolve(known);
  }

  #resolve(structure: DependencyStructure): boolean {
    const template = structure.templates[(this.templateId + 64 - structure.templateIdOffset) % 64];
    if (template === undefined) return false;
    const { customIndications, customFrameDiffs, customChainDiffs } = this;
    this.frame =
      customIndications === undefined && customFrameDiffs === undefined && customChainDiffs === undefined
        ? template
        : {
            ...template,
            indications: customIndications ?? template.indications,
            frameDiffs: customFrameDiffs ?? template.frameDiffs,
            chainDiffs: customChainDiffs ?? template.chainDiffs,
          };
    return true;
  }

  #clear(): void {
    this.attached = undefined;
    this.activeTargets = undefined;
    this.customIndications = undefined;
    this.customFrameDiffs = undefined;
    this.customChainDiffs = undefined;
    this.frame = undefined;
  }
}

function parseFrameDiffs(bits: BitReader): number[] {
  const diffs: number[] = [];
  for (let size = bits.read(2); size > 0; size = bits.read(2)) diffs.push(bits.read(4 * size) + 1);
  return diffs;
}

/** What {@link encodeDescriptor} writes: a {@link DependencyDescriptor} as it was read, or with another number or other targets. */
export type DescriptorFields = Pick<
  DependencyDescriptor,
  | "startOfFrame"
  | "endOfFrame"
  | "templateId"
  | "frameNumber"
  | "attached"
  | "activeTargets"
  | "customIndications"
  | "customFrameDiffs"
  | "customChainDiffs"
>;

/**
 * Writes a descriptor.
 *
 * @param targetCount - Decode targets of the structure that holds for it.
 * @returns 3 .. 255 bytes, or `undefined` when it would be longer.
 */
export function encodeDescriptor(fields: DescriptorFields, targetCount: number): Uint8Array | undefined {
  const { attached, activeTargets, customIndications, customFrameDiffs, customChainDiffs } = fields;
  const bits = new BitWriter(LIMIT_BYTES);
  bits.write(fields.startOfFrame ? 1 : 0, 1);
  bits.write(fields.endOfFrame ? 1 : 0, 1);
  bits.write(fields.templateId, 6);
  bits.write(fields.frameNumber, 16);
  const extended = [attached, activeTargets, customIndications, customFrameDiffs, customChainDiffs];
  if (extended.some((one) => one !== undefined)) {
    for (const one of extended) bits.write(one === undefined ? 0 : 1, 1);
    if (attached) writeStructure(bits, attached);
    if (activeTargets !== undefined) bits.write(activeTargets, targetCount);
    for (const one of customIndications ?? []) bits.write(one, 2);
    if (customFrameDiffs) writeFrameDiffs(bits, customFrameDiffs);
    for (const diff of customChainDiffs ?? []) bits.write(diff, 8);
  }
  return bits.lengthBytes > LIMIT_BYTES ? undefined : bits.bytes;
}

function writeFrameDiffs(bits: BitWriter, diffs: readonly number[]): void {
  for (const diff of diffs) {
    const size = diff <= 16 ? 1 : diff <= 256 ? 2 : 3;
    bits.write(size, 2);
    bits.write(diff - 1, 4 * size);
  }
  bits.write(0, 2);
}
