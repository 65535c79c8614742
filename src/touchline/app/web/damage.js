/** How often a camera's stream was damaged lately, from a counter that is asked for once a second. Pure. */

/** What counts as lately. ms */
export const LATELY_MS = 10_000;

export class Damage {
  /** @type {{at: number, count: number} | null} */
  #last = null;
  /** @type {{at: number, more: number}[]} */
  #rises = [];

  /**
   * @param {number} count since the box's start
   * @param {number} at when the box said so, ms
   */
  take(count, at) {
    const last = this.#last;
    this.#last = { at, count };
    // A box that was started again counts from 0; over a long silence nobody knows when it rose.
    if (last === null || count <= last.count || at - last.at > LATELY_MS) return;
    this.#rises.push({ at, more: count - last.count });
  }

  /**
   * So often in the last `LATELY_MS`.
   * @param {number} now ms
   */
  lately(now) {
    this.#rises = this.#rises.filter(({ at }) => now - at < LATELY_MS);
    return this.#rises.reduce((sum, { more }) => sum + more, 0);
  }
}

/**
 * @param {number} times lately
 * @param {boolean} waits whether analysis waits for a whole picture now
 * @returns {string} nothing where nothing is damaged
 */
export function damageSaid(times, waits) {
  if (times > 0) return `Stream damaged ${times === 1 ? "once" : `${times} times`} in the last ${LATELY_MS / 1000} s`;
  return waits ? "Stream damaged: analysis waits for a whole picture" : "";
}
