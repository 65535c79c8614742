/** How long to wait before the n-th try: doubling, bounded, and spread so that many viewers don't come at once. */

/**
 * @param {number} tries failed so far, ≥ 1
 * @param {number} random 0 ≤ random < 1
 * @param {{first?: number, most?: number}} [bounds] ms
 * @returns {number} ms, between a half and the whole of the step
 */
export function backoff(tries, random, { first = 1000, most = 30_000 } = {}) {
  const step = Math.min(most, first * 2 ** Math.min(tries - 1, 20));
  return step * (0.5 + 0.5 * random);
}
