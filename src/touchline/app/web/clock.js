/** Media time. A fact's pts may be any size; an RTP time stamp has 32 bits. So all is compared modulo 2^32. */

/** Ticks a second. */
export const CLOCK = 90_000;

/** Where RTP time stamps begin again. */
export const WRAP = 2 ** 32;

/**
 * @param {number} ticks any integer
 * @returns {number} the same modulo 2^32, in 0 … 2^32 − 1
 */
export function wrap(ticks) {
  return ((ticks % WRAP) + WRAP) % WRAP;
}

/**
 * Ticks from `earlier` to `later`, the short way round: −2^31 … 2^31 − 1.
 * @param {number} later
 * @param {number} earlier
 */
export function ticksBetween(later, earlier) {
  const ahead = wrap(later - earlier);
  return ahead < WRAP / 2 ? ahead : ahead - WRAP;
}

/**
 * The pts (modulo 2^32) of the picture that carried an RTP time stamp.
 * @param {number} rtpTimestamp
 * @param {number} rtpOffset the sender's random origin, told in its hello
 */
export function ptsOf(rtpTimestamp, rtpOffset) {
  return wrap(rtpTimestamp - rtpOffset);
}

/**
 * The box's media clock as this page sees it: the best of the last samples, which is the one that took the
 * shortest round trip.
 */
export class BoxClock {
  #kept = 30;
  /** @type {{offset: number, round: number}[]} */
  #samples = [];

  /**
   * @param {number} mediaTime the box's, s
   * @param {number} asked when the question left, ms of performance.now()
   * @param {number} answered when the answer was there, ms
   */
  sample(mediaTime, asked, answered) {
    this.#samples.push({ offset: mediaTime - (asked + answered) / 2000, round: answered - asked });
    if (this.#samples.length > this.#kept) this.#samples.shift();
  }

  /** Forget all: another box answers. */
  reset() {
    this.#samples.length = 0;
  }

  /**
   * The box's media time at `now`, s, or null where it cannot be known.
   * @param {number} now ms of performance.now()
   */
  mediaTime(now) {
    if (this.#samples.length === 0) return null;
    return now / 1000 + this.#samples.reduce((a, b) => (b.round < a.round ? b : a)).offset;
  }

  /**
   * How old a picture is at `now`, ms, or null where it cannot be known.
   * @param {number} pts modulo 2^32
   * @param {number} now ms of performance.now()
   */
  age(pts, now) {
    if (this.#samples.length === 0) return null;
    const best = this.#samples.reduce((a, b) => (b.round < a.round ? b : a));
    const ms = ticksBetween(Math.round((now / 1000 + best.offset) * CLOCK), pts) / (CLOCK / 1000);
    return ms > -best.round - 50 && ms < 600_000 ? Math.max(0, ms) : null;
  }
}
