/**
 * Numbers in [0, 1) that a seed determines: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", 2014), of which the upper 53 bits are taken.
 */
export function seededRandom(seed: number): () => number {
  let state = BigInt(seed);
  const step = (value: bigint) => BigInt.asUintN(64, value);
  return () => {
    state = step(state + 0x9e3779b97f4a7c15n);
    let mixed = state;
    mixed = step((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = step((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    mixed ^= mixed >> 31n;
    return Number(mixed >> 11n) / 2 ** 53;
  };
}
