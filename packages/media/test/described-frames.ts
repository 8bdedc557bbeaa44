import { encodeDescriptor, INDICATION, targetsOf } from "@lodeline/rtp";

const TEMPLATES = [0, 1].map((spatialLayer) => ({
  spatialLayer,
  temporalLayer: 0,
  indications: [spatialLayer === 0 ? INDICATION.switch : INDICATION.notPresent, INDICATION.switch],
  frameDiffs: spatialLayer === 0 ? [] : [1],
  chainDiffs: [],
}));

/** The dependency descriptor of a frame of L2T1: the template is its spatial layer. */
export function descriptorOf(frameNumber: number, templateId: number, key = false): Uint8Array | undefined {
  const resolutions = [1, 2].map((times) => ({ width: 160 * times, height: 90 * times }));
  const targets = targetsOf(TEMPLATES, 2);
  const attached = { templateIdOffset: 0, targets, templates: TEMPLATES, chainCount: 0, protectedBy: [], resolutions };
  const none = { customIndications: undefined, customFrameDiffs: undefined, customChainDiffs: undefined };
  const frame = { startOfFrame: true, endOfFrame: true, templateId, frameNumber, ...none };
  return encodeDescriptor({ ...frame, attached: key ? attached : undefined, activeTargets: key ? 3 : undefined }, 2);
}
