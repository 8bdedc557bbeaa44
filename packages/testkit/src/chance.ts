import { integer, type Random, seededRandom, unit } from "@lodeline/base";

/** A repeatable source of chance with the questions that simulations ask of it. */
export interface Chance extends Random {
  /** True with probability `probability`, 0..1. Draws nothing at 0, so that a fault switched off changes nothing else. */
  happens(probability: number): boolean;
  /** An integer uniform over `low` .. `high`, both included. */
  between(low: number, high: number): number;
  /** One of `items`, each as likely. @throws Error when there is none. */
  pick<T>(items: readonly T[]): T;
  /** One of `items`, as likely as its weight. @throws Error when there is none. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T;
  /** A new independent source, named: drawing from it moves no other. */
  fork(name: string): Chance;
}

/** A {@link Chance} of a seed. Equal seeds and equal questions give equal answers. */
export function chance(seed: number): Chance {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => {
    if (items.length === 0) throw new Error("bug: nothing to pick from");
    return items[integer(random, items.length)] as T;
  };
  return {
    u32: () => random.u32(),
    happens: (probability) => probability > 0 && unit(random) < probability,
    between: (low, high) => low + integer(random, high - low + 1),
    pick,
    weighted: (items) => {
      const sum = items.reduce((all, [weight]) => all + weight, 0);
      let at = unit(random) * sum;
      for (const [weight, item] of items) {
        at -= weight;
        if (at < 0) return item;
      }
      return pick(items)[1];
    },
    fork: (name) => chance(mix(seed, name)),
  };
}

/** FNV-1a over the name, begun with the seed: spreads well enough to tell forks apart. */
function mix(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
