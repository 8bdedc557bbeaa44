/** The only source of chance in Lodeline: edges hand in a cryptographic one, tests a seeded one. */
export interface Random {
  /** An unsigned integer, uniform over 0 .. 2^32-1. */
  u32(): number;
}

/** Makes a {@link Random} from a platform's `crypto.getRandomValues`. Unpredictable: fit for ids and secrets. */
export function cryptoRandom(fill: (into: Uint32Array<ArrayBuffer>) => unknown): Random {
  const pool = new Uint32Array(64);
  let next = pool.length;
  return {
    u32() {
      if (next === pool.length) {
        fill(pool);
        next = 0;
      }
      return pool[next++] ?? 0;
    },
  };
}

/**
 * A repeatable {@link Random} (xoshiro128**, Blackman and Vigna 2018), for simulations and tests. Never for secrets.
 *
 * @param seed - Any integer; equal seeds give equal sequences.
 */
export function seededRandom(seed: number): Random {
  let mix = seed >>> 0;
  const nextSeed = () => {
    // splitmix32 spreads a small seed over the whole state, as the authors advise.
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let a = nextSeed();
  let b = nextSeed();
  let c = nextSeed();
  let d = nextSeed() || 1;
  const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  return {
    u32() {
      const out = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
      const t = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= t;
      d = rotl(d, 11);
      return out;
    },
  };
}

/** A number uniform over 0 (inclusive) .. 1 (exclusive), with 32 bits of resolution. */
export function unit(random: Random): number {
  return random.u32() / 2 ** 32;
}

/**
 * An integer uniform over 0 .. `below`-1.
 *
 * @param below - 1 .. 2^32.
 */
export function integer(random: Random, below: number): number {
  return Math.floor(unit(random) * below);
}
