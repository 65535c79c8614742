/** What the page asks of the box. All answers are checked; all calls end in time. */

import { backoff } from "./backoff.js";
import { BoxClock } from "./clock.js";

/**
 * One camera's health, as GET /api/v1/cameras gives it.
 * @typedef {object} Status
 * @property {string} id
 * @property {string} name
 * @property {string} state connecting, live, stale or failed
 * @property {string | null} error
 * @property {number | null} next_try_ms until the box tries to reach the camera again, 0 while it tries
 * @property {number} fps_in
 * @property {number} fps_analysed
 * @property {number} fps_detected
 * @property {number} packets_dropped
 * @property {number} frames_skipped
 * @property {number} source_dropped
 * @property {number} line_dropped
 * @property {number} facts_dropped
 * @property {number} facts_unsent on the way to viewers
 * @property {number} decode_errors
 * @property {number} pictures_late
 * @property {number} viewers
 * @property {number | null} latency_ms
 * @property {number | null} picture_age_ms since the camera's last picture
 * @property {boolean} analysis_waits for a whole picture, after damage
 * @property {string[]} shed
 * @property {string | null} codec
 * @property {number} width
 * @property {number} height
 * @property {number} sample_aspect how wide a pixel of the video is to be shown, by its height
 * @property {boolean} passthrough
 * @property {number} reconnects
 * @property {number} restarts
 */

/**
 * `known`: it has answered once. `why` and `retryAt` (ms) tell of a failure, `answeredAt` (ms) of the last answer.
 * @typedef {{cameras: Status[], unguarded: boolean, reachable: boolean, known: boolean, why: string,
 *   answeredAt: number, retryAt: number}} BoxState
 */

const EVERY_MS = 1000;
const PATIENCE_MS = 6000;
const MOST_MS = 5000;

/** Asks for the cameras once a second, and for ever: less often while the box does not answer. */
export class BoxPoll {
  /** @type {BoxState} */
  state = { cameras: [], unguarded: false, reachable: true, known: false, why: "", answeredAt: 0, retryAt: 0 };
  clock = new BoxClock();
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #changed;

  /** @param {(state: BoxState) => void} changed called after each answer and each failure */
  constructor(changed) {
    this.#changed = changed;
  }

  start() {
    void this.#ask();
  }

  /** Ask now rather than when it is time. */
  now() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    void this.#ask();
  }

  async #ask() {
    this.#timer = undefined;
    let wait;
    try {
      const asked = performance.now();
      const body = await getJson("/api/v1/cameras");
      const answered = performance.now();
      if (!Array.isArray(body?.cameras)) throw new BoxError("it answered, but not as Touchline does");
      if (!this.state.reachable) this.clock.reset();
      if (Number.isFinite(body.media_time)) this.clock.sample(body.media_time, asked, answered);
      this.#tries = 0;
      wait = EVERY_MS * (0.9 + 0.2 * Math.random());
      this.state = {
        cameras: body.cameras.filter((/** @type {any} */ c) => typeof c?.id === "string").map(status),
        unguarded: body.unguarded === true,
        reachable: true,
        known: true,
        why: "",
        answeredAt: answered,
        retryAt: 0,
      };
    } catch (error) {
      if (!(error instanceof BoxError)) throw error;
      this.#tries += 1;
      wait = backoff(this.#tries, Math.random(), { most: MOST_MS });
      this.state = { ...this.state, reachable: false, why: error.message, retryAt: performance.now() + wait };
    }
    this.#timer = setTimeout(() => void this.#ask(), wait);
    this.#changed(this.state);
  }
}

/** The box did not answer, or not as it should. */
export class BoxError extends Error {}

/**
 * The ICE servers that this browser is to use.
 * @returns {Promise<RTCIceServer[]>}
 */
export async function iceServers() {
  const body = await getJson("/api/v1/ice");
  if (!Array.isArray(body?.iceServers)) throw new BoxError("it answered, but not as Touchline does");
  return body.iceServers;
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function getJson(path) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return await response.json();
  } catch (error) {
    throw new BoxError(why(error), { cause: error });
  }
  throw new BoxError(`it answered with HTTP status ${response.status}`);
}

/** @param {unknown} error of fetch or of reading its answer */
export function why(error) {
  if (error instanceof DOMException && error.name === "TimeoutError") return "it did not answer in time";
  if (error instanceof SyntaxError) return "it answered, but not as Touchline does";
  return "it cannot be reached";
}

/**
 * Fill in what is missing or of another type: a page may meet an older or newer box.
 * @param {any} given
 * @returns {Status}
 */
export function status(given) {
  const number = (/** @type {string} */ key) => (Number.isFinite(given[key]) ? given[key] : 0);
  const text = (/** @type {string} */ key) => (typeof given[key] === "string" && given[key] ? given[key] : null);
  return {
    id: given.id,
    name: text("name") ?? given.id,
    state: text("state") ?? "connecting",
    error: text("error"),
    next_try_ms: Number.isFinite(given.next_try_ms) ? given.next_try_ms : null,
    fps_in: number("fps_in"),
    fps_analysed: number("fps_analysed"),
    fps_detected: number("fps_detected"),
    packets_dropped: number("packets_dropped"),
    frames_skipped: number("frames_skipped"),
    source_dropped: number("source_dropped"),
    line_dropped: number("line_dropped"),
    facts_dropped: number("facts_dropped"),
    facts_unsent: number("facts_unsent"),
    decode_errors: number("decode_errors"),
    pictures_late: number("pictures_late"),
    viewers: number("viewers"),
    latency_ms: Number.isFinite(given.latency_ms) ? given.latency_ms : null,
    picture_age_ms: Number.isFinite(given.picture_age_ms) ? given.picture_age_ms : null,
    analysis_waits: given.analysis_waits === true,
    shed: Array.isArray(given.shed) ? given.shed.filter((/** @type {any} */ word) => typeof word === "string") : [],
    codec: text("codec"),
    width: number("width"),
    height: number("height"),
    sample_aspect: number("sample_aspect") > 0 ? given.sample_aspect : 1,
    passthrough: given.passthrough === true,
    reconnects: number("reconnects"),
    restarts: number("restarts"),
  };
}
