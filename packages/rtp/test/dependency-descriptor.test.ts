import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import {
  DependencyDescriptor,
  type DependencyStructure,
  type DescriptorFields,
  encodeDescriptor,
  targetsOf,
} from "@lodeline/rtp";
import fc from "fast-check";
import { hex } from "./packets.ts";

function read(text: string, structure?: DependencyStructure): DependencyDescriptor | undefined {
  const bytes = hex(text);
  const descriptor = new DependencyDescriptor();
  return descriptor.parse(bytes, 0, bytes.length, structure) ? descriptor : undefined;
}

/** Bits as text, to bytes of hex. */
function bits(text: string): string {
  const digits = text.replace(/[^01]/g, "");
  return (digits.padEnd(Math.ceil(digits.length / 8) * 8, "0").match(/.{8}/g) ?? [])
    .map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, "0"))
    .join("");
}

/** L1T2 by hand: templates 60 (key), 61 (T0), 62 (T1); two decode targets, one chain; 640x360. */
const L1T2 = bits(`
  1 0 111100 0000000000000101
  1 0 0 0 0
  111100 00001
  00 01 11
  10 10  11 11  00 01
  0  1 0001 0  1 0000 0
  10
  0000 0010 0001
  1 0000001001111111 0000000101100111`);

const FIRST = (): DependencyStructure => read(L1T2)?.attached ?? assert.fail("the vector is a descriptor");

describe("the dependency descriptor", () => {
  it("[DD1] reads a structure with templates, decode targets, chains and sizes", () => {
    const descriptor = read(L1T2);
    assert.ok(descriptor);
    assert.deepEqual([descriptor.startOfFrame, descriptor.endOfFrame, descriptor.frameNumber], [true, false, 5]);
    assert.equal(descriptor.activeTargets, 0b11);
    const layer = { spatialLayer: 0, temporalLayer: 0 };
    assert.deepEqual(descriptor.attached, {
      templateIdOffset: 60,
      targets: [layer, { spatialLayer: 0, temporalLayer: 1 }],
      templates: [
        { ...layer, indications: [2, 2], frameDiffs: [], chainDiffs: [0] },
        { ...layer, indications: [3, 3], frameDiffs: [2], chainDiffs: [2] },
        { spatialLayer: 0, temporalLayer: 1, indications: [0, 1], frameDiffs: [1], chainDiffs: [1] },
      ],
      chainCount: 1,
      protectedBy: [0, 0],
      resolutions: [{ width: 640, height: 360 }],
    });
    assert.equal(descriptor.frame, descriptor.attached?.templates[0]);
  });

  it("[DD2] a packet after it has its frame's dependencies by template, and may have its own", () => {
    const structure = FIRST();
    assert.equal(read(bits("1 1 111110 0000000000000110"), structure)?.frame, structure.templates[2]);
    const own = read(
      bits("0 1 111101 1111111111111111  0 1 1 1 1  01  10 01  01 0011 10 00010000 00  00000111"),
      structure,
    );
    assert.deepEqual(own?.frame, {
      spatialLayer: 0,
      temporalLayer: 0,
      indications: [2, 1],
      frameDiffs: [4, 17],
      chainDiffs: [7],
    });
    assert.deepEqual([own?.frameNumber, own?.activeTargets, own?.attached], [65_535, 0b01, undefined]);
  });

  it("[DD3] refuses what is cut short, has no structure, or names no template", () => {
    for (let length = 0; length < L1T2.length / 2; length++) assert.equal(read(L1T2.slice(0, 2 * length)), undefined);
    assert.equal(read(bits("1 1 111110 0000000000000110")), undefined, "before any structure");
    assert.equal(read(bits("1 1 111111 0000000000000110"), FIRST()), undefined, "template 63 of 60 .. 62");
  });

  it("[DD4] whatever can be written is read again as it was", () => {
    fc.assert(
      fc.property(fields(), ({ structure, written }) => {
        const bytes = encodeDescriptor(written, structure.targets.length);
        fc.pre(bytes !== undefined);
        const descriptor = new DependencyDescriptor();
        assert.ok(descriptor.parse(bytes, 0, bytes.length, written.attached ? undefined : structure));
        const { startOfFrame, endOfFrame, templateId, frameNumber, attached, activeTargets } = descriptor;
        const { customIndications, customFrameDiffs, customChainDiffs } = descriptor;
        const again = { startOfFrame, endOfFrame, templateId, frameNumber, attached, activeTargets };
        assert.deepEqual({ ...again, customIndications, customFrameDiffs, customChainDiffs }, written);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });

  it("[DD5] what is longer than an element can be is not written", () => {
    const template = { spatialLayer: 0, temporalLayer: 0, frameDiffs: [], chainDiffs: [] };
    const templates = Array.from({ length: 64 }, () => ({ ...template, indications: Array(32).fill(3) as number[] }));
    const attached = {
      templateIdOffset: 0,
      targets: targetsOf(templates, 32),
      templates,
      chainCount: 0,
      protectedBy: [],
      resolutions: [],
    };
    assert.equal(encodeDescriptor({ ...PLAIN, attached, activeTargets: 1 }, 32), undefined);
  });

  it("[RTP6] 60,000 damaged descriptors are read or refused", () => {
    const random = seededRandom(5);
    const descriptor = new DependencyDescriptor();
    const good = hex(L1T2);
    let accepted = 0;
    for (let round = 0; round < 60_000; round++) {
      const bytes = Uint8Array.from(
        { length: integer(random, good.length + 8) },
        (_, i) => good[i] ?? integer(random, 256),
      );
      for (let i = integer(random, 4); i > 0 && bytes.length > 0; i--)
        bytes[integer(random, bytes.length)] = integer(random, 256);
      if (!descriptor.parse(bytes, 0, bytes.length, FIRST_STRUCTURE)) continue;
      accepted++;
      const { targets } = descriptor.attached ?? FIRST_STRUCTURE;
      assert.ok(targets.length <= 32 && descriptor.frame?.indications.length === targets.length);
    }
    assert.ok(accepted > 1000);
  });
});

const FIRST_STRUCTURE = FIRST();

const PLAIN = {
  startOfFrame: true,
  endOfFrame: true,
  templateId: 0,
  frameNumber: 1,
  attached: undefined,
  activeTargets: undefined,
  customIndications: undefined,
  customFrameDiffs: undefined,
  customChainDiffs: undefined,
} satisfies DescriptorFields;

/** A structure, and a descriptor that holds with it. */
function fields(): fc.Arbitrary<{ structure: DependencyStructure; written: DescriptorFields }> {
  return fc
    .record({ targets: fc.integer({ min: 1, max: 32 }), chains: fc.nat(4), templates: fc.integer({ min: 1, max: 12 }) })
    .chain(({ targets, chains, templates }) => {
      const chainCount = Math.min(chains, targets);
      const many = (value: fc.Arbitrary<number>, length: number) =>
        fc.array(value, { minLength: length, maxLength: length });
      const structure = fc
        .record({
          templateIdOffset: fc.nat(63),
          steps: many(fc.nat(9), templates),
          indications: fc.array(many(fc.nat(3), targets), { minLength: templates, maxLength: templates }),
          frameDiffs: fc.array(fc.array(fc.integer({ min: 1, max: 16 }), { maxLength: 3 }), {
            minLength: templates,
            maxLength: templates,
          }),
          chainDiffs: fc.array(many(fc.nat(15), chainCount), { minLength: templates, maxLength: templates }),
          protectedBy: many(fc.nat(Math.max(0, chainCount - 1)), chainCount === 0 ? 0 : targets),
          sizes: fc.boolean(),
        })
        .map(({ steps, sizes, ...rest }) => structureOf(rest, steps, sizes));
      return structure.chain((made) =>
        fc.record({
          structure: fc.constant(made),
          written: fc
            .record({
              startOfFrame: fc.boolean(),
              endOfFrame: fc.boolean(),
              templateId: fc.nat(templates - 1).map((at) => (at + made.templateIdOffset) % 64),
              frameNumber: fc.nat(65_535),
              customIndications: fc.option(many(fc.nat(3), targets), { nil: undefined }),
              customFrameDiffs: fc.option(fc.array(fc.integer({ min: 1, max: 4096 }), { maxLength: 4 }), {
                nil: undefined,
              }),
              customChainDiffs: fc.option(many(fc.nat(255), chainCount), { nil: undefined }),
              // A structure that comes without them activates all.
              of: fc.oneof(
                fc.record({ attached: fc.constant(made), activeTargets: fc.nat(2 ** Math.min(31, targets) - 1) }),
                fc.record({
                  attached: fc.constant(undefined),
                  activeTargets: fc.option(fc.nat(2 ** Math.min(31, targets) - 1), { nil: undefined }),
                }),
              ),
            })
            .map(({ of, ...rest }) => ({ ...rest, ...of })),
        }),
      );
    });
}

function structureOf(
  parts: {
    templateIdOffset: number;
    indications: number[][];
    frameDiffs: number[][];
    chainDiffs: number[][];
    protectedBy: number[];
  },
  steps: readonly number[],
  sizes: boolean,
): DependencyStructure {
  let layer = { spatialLayer: 0, temporalLayer: 0 };
  const templates = steps.map((step, at) => {
    // Most templates are of the same layer as the one before, some of the next one.
    if (at > 0 && step > 7 && layer.spatialLayer < 3)
      layer = { spatialLayer: layer.spatialLayer + 1, temporalLayer: 0 };
    else if (at > 0 && step > 4 && layer.temporalLayer < 7)
      layer = { ...layer, temporalLayer: layer.temporalLayer + 1 };
    return {
      ...layer,
      indications: parts.indications[at] as number[],
      frameDiffs: parts.frameDiffs[at] as number[],
      chainDiffs: parts.chainDiffs[at] as number[],
    };
  });
  const targets = parts.indications[0]?.length ?? 0;
  return {
    templateIdOffset: parts.templateIdOffset,
    targets: targetsOf(templates, targets),
    templates,
    chainCount: parts.chainDiffs[0]?.length ?? 0,
    protectedBy: parts.protectedBy,
    resolutions: sizes
      ? Array.from({ length: layer.spatialLayer + 1 }, (_, at) => ({ width: 65_536 - at, height: 1 + at }))
      : [],
  };
}
