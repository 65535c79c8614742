/** The newest `tracks` facts of one camera by their pts, and which of them belongs to a picture. */

import { CLOCK, ticksBetween, wrap } from "./clock.js";

/**
 * @typedef {{id: number, label: string, box: [number, number, number, number], score: number,
 *   detected: boolean}} Track
 */
/** @typedef {{pts: number, width: number, height: number, tracks: Track[]}} TracksFact */

/** Facts kept: 5 s at 60 Hz. */
export const KEPT = 300;

/** A picture without a fact of its own is drawn with one that is at most so old, ms. */
export const HOLD_MS = 200;

export class FactMap {
  /** @type {Map<number, TracksFact>} by pts modulo 2^32, in order of arrival */
  #facts = new Map();
  /** @type {TracksFact | null} */
  #newest = null;

  /** @param {TracksFact} fact */
  add(fact) {
    const key = wrap(fact.pts);
    this.#facts.delete(key);
    this.#facts.set(key, fact);
    for (const oldest of this.#facts.keys()) {
      if (this.#facts.size <= KEPT) break;
      this.#facts.delete(oldest);
    }
    if (this.#newest === null || ticksBetween(fact.pts, this.#newest.pts) >= 0) this.#newest = fact;
  }

  clear() {
    this.#facts.clear();
    this.#newest = null;
  }

  get size() {
    return this.#facts.size;
  }

  get newest() {
    return this.#newest;
  }

  /**
   * The fact for a picture: its own (`exact`), else the newest older one that is not older than HOLD_MS.
   * @param {number} pts of the picture
   * @returns {{fact: TracksFact | null, exact: boolean}}
   */
  forPicture(pts) {
    const own = this.#facts.get(wrap(pts));
    if (own) return { fact: own, exact: true };
    let nearest = null;
    let least = (HOLD_MS * CLOCK) / 1000 + 1;
    for (const fact of this.#facts.values()) {
      const age = ticksBetween(pts, fact.pts);
      if (age > 0 && age < least) {
        least = age;
        nearest = fact;
      }
    }
    return { fact: nearest, exact: false };
  }

  /**
   * The facts of the last `seconds` up to and with `pts`, oldest first, about one per `step` seconds.
   * @param {number} pts
   * @param {number} seconds
   * @param {number} step
   * @returns {TracksFact[]}
   */
  before(pts, seconds, step) {
    const span = seconds * CLOCK;
    /** @type {Map<number, {age: number, fact: TracksFact}>} */
    const slots = new Map();
    for (const fact of this.#facts.values()) {
      const age = ticksBetween(pts, fact.pts);
      if (age < 0 || age > span) continue;
      // Slots stand still in media time, else the trail would shimmer.
      const slot = age === 0 ? Infinity : Math.floor(wrap(fact.pts) / (step * CLOCK));
      const taken = slots.get(slot);
      if (!taken || age > taken.age) slots.set(slot, { age, fact });
    }
    return [...slots.values()].sort((a, b) => b.age - a.age).map(({ fact }) => fact);
  }
}

/**
 * A message of the data channel as a `tracks` fact, or null where it is none or not whole.
 * @param {any} message
 * @returns {TracksFact | null}
 */
export function tracksFact(message) {
  if (message?.type !== "fact" || message.kind !== "tracks") return null;
  const { pts, width, height, tracks } = message;
  if (!Number.isFinite(pts) || !(width > 0) || !(height > 0) || !Array.isArray(tracks)) return null;
  return { pts, width, height, tracks: tracks.filter(isTrack) };
}

/** @param {any} track */
function isTrack(track) {
  const { id, box } = track ?? {};
  return Number.isInteger(id) && Array.isArray(box) && box.length === 4 && box.every(Number.isFinite);
}
