/** What a tile says of itself. Pure: what is known goes in, words come out. */

import { splitRemedy } from "./failure.js";

/** @typedef {import("./api.js").Status} Status */
/** @typedef {import("./failure.js").Failure} Failure */

/**
 * @typedef {object} Known
 * @property {number} now ms
 * @property {{reachable: boolean, why: string, answeredAt: number, retryAt: number}} box
 * @property {Status | null} status null: the box does not list this camera
 * @property {{phase: string, failure: Failure | null, retryAt: number}} link
 * @property {number | null} pictureAt when the last picture arrived, ms
 * @property {number} watchedFrom since when this tile is in sight, ms: before, nothing could be missed
 * @property {boolean} visible
 * @property {boolean} blocked the browser wants a click before it plays
 */

/**
 * @typedef {object} TileState
 * @property {"live" | "connecting" | "stale" | "reconnecting" | "failed" | "unreachable" | "paused"} state
 * @property {string} word for the bar
 * @property {string} what for the notice over the picture
 * @property {string} short the same for a small tile: without its last picture's age, the camera's address and folders
 * @property {string} remedy
 * @property {string} when the next try is: "Trying again in 3 s" this page, "Next try in 3 s" the box; or nothing
 * @property {boolean} canRetry
 */

/** Without a picture for so long, what is on the screen is old. ms */
export const STALE_MS = 3000;

/** @type {Record<TileState["state"], string>} */
export const WORDS = {
  live: "Live",
  connecting: "Connecting",
  stale: "Stale",
  reconnecting: "Reconnecting",
  failed: "Failed",
  unreachable: "Box unreachable",
  paused: "Paused",
};

/**
 * @param {Known} known
 * @returns {TileState}
 */
export function tileState(known) {
  const { now, box, status, link, pictureAt, visible } = known;
  const quiet = pictureAt === null ? Infinity : now - Math.max(pictureAt, Math.min(known.watchedFrom, now));
  const fresh = pictureAt !== null && quiet <= STALE_MS && link.phase === "playing";
  const age = pictureAge(known);
  const last = age > STALE_MS ? `Last picture ${ago(age)} ago.` : "";
  const error = status?.error ? splitRemedy(status.error) : null;

  if (known.blocked) return say("paused", "This browser waits for a click before it plays.", { canRetry: true });
  if (box.reachable && status === null) {
    return say("failed", "The box has no such camera.", { last, remedy: "Look at all cameras, or at venue.toml." });
  }
  if (box.reachable && status?.state === "failed") {
    const [what, remedy] = error ?? ["The camera cannot be used.", "Look at the box's log."];
    return say("failed", what, { last, remedy, when: nextTry(known) });
  }
  // Whoever opens the page is sent a cached picture first: that it has just arrived makes no camera live.
  if (fresh && (!box.reachable || status?.state === "live")) return say("live", "");
  if (!visible && link.phase === "idle") return say("paused", "Out of sight, so not played.");
  if (!box.reachable) {
    const silent = box.answeredAt > 0 ? ` for ${ago(now - box.answeredAt)}` : "";
    return say("unreachable", `No answer from the box${silent}: ${box.why}.`, {
      last,
      remedy: "Check that touchline runs and that this browser reaches it.",
      when: again(box.retryAt, now),
    });
  }
  if (status?.state === "connecting") {
    const [what, remedy] = error ?? ["The box waits for the camera's first picture.", ""];
    return say("connecting", what, { last, remedy });
  }
  if (status?.state === "stale") {
    const [what, remedy] = error ?? ["The camera has stopped sending; the box tries to reach it again.", ""];
    return say("stale", what, { last, remedy, when: nextTry(known) });
  }
  if (withheld(status) && (link.phase === "waiting" || link.phase === "playing")) {
    const what = "The stream was damaged; the box waits for a whole picture.";
    return say(pictureAt === null ? "connecting" : "stale", what, { last });
  }
  // The reason stays while the next try runs, until that has got further.
  if (link.failure && link.phase !== "waiting" && link.phase !== "playing") return ofFailure(link, last, now);
  if (link.phase === "playing") {
    return say("stale", "The camera sends, but nothing arrives here.", { last, when: "Reconnecting soon" });
  }
  return opening(link.phase, last, pictureAt !== null);
}

/**
 * Whether the box has no picture to send: to connect anew would not bring one.
 * @param {Status | null} status
 */
export function withheld(status) {
  return status !== null && status.analysis_waits && !status.passthrough;
}

/**
 * When the box tries to reach the camera again, in words.
 * @param {Known} known
 */
function nextTry({ now, box, status }) {
  if (!status || status.next_try_ms === null) return "";
  const seconds = Math.ceil((box.answeredAt + status.next_try_ms - now) / 1000);
  return seconds > 0 ? `Next try in ${seconds} s` : "Trying again now";
}

/**
 * How old the camera's last picture is, ms; -Infinity where none is known. The box knows, unless pictures came since
 * it was last asked; what counts of a camera that the box calls live is what has come through to here.
 * @param {Known} known
 */
function pictureAge({ now, box, status, pictureAt }) {
  const here = pictureAt === null ? -Infinity : now - pictureAt;
  if (!status || status.picture_age_ms === null || status.state === "live") return here;
  if (!box.reachable && pictureAt !== null && pictureAt > box.answeredAt) return here;
  return status.picture_age_ms + now - box.answeredAt;
}

/**
 * @param {Known["link"]} link
 * @param {string} last
 * @param {number} now
 */
function ofFailure(link, last, now) {
  const { kind, what, remedy } = /** @type {Failure} */ (link.failure);
  const soft = kind === "lost" || kind === "unreachable" || kind === "no-picture";
  const rests = link.phase === "pause" || link.phase === "off";
  const when = link.phase === "off" ? "" : again(rests ? link.retryAt : now, now);
  return say(soft ? "reconnecting" : "failed", what, { last, remedy, when, canRetry: rests });
}

/**
 * @param {string} phase
 * @param {string} last
 * @param {boolean} again there was a picture before
 */
function opening(phase, last, again) {
  /** @type {Record<string, string>} */
  const steps = { path: "Finding a path to the box.", waiting: "Waiting for the first picture." };
  return say(again ? "reconnecting" : "connecting", steps[phase] ?? "Asking the box.", { last });
}

/**
 * @param {TileState["state"]} state
 * @param {string} what
 * @param {{last?: string, remedy?: string, when?: string, canRetry?: boolean}} [more] `last`: of the last picture
 * @returns {TileState}
 */
function say(state, what, { last = "", remedy = "", when = "", canRetry = false } = {}) {
  return { state, word: WORDS[state], what: join(last, what), short: placeless(what), remedy, when, canRetry };
}

/**
 * An error as the box writes it, "where: what", without its where: that of an address, and of a path its folders.
 * @param {string} text
 */
export function placeless(text) {
  const what = text.replace(/^[a-z][a-z0-9+.-]*:\/\/\S*: /i, "");
  if (what !== text) return what.charAt(0).toUpperCase() + what.slice(1);
  return text.replace(/^\/[^:;]*\//, "");
}

/**
 * @param {number} at ms
 * @param {number} now ms
 */
export function again(at, now) {
  const seconds = Math.ceil((at - now) / 1000);
  return seconds > 0 ? `Trying again in ${seconds} s` : "Trying again now";
}

/**
 * A span in words, coarser as it grows.
 * @param {number} ms
 */
export function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

/** @param {...string} parts */
function join(...parts) {
  return parts.filter(Boolean).join(" ");
}

/** States in which somebody has to do something. */
const PROBLEMS = new Set(["stale", "reconnecting", "failed", "unreachable"]);

/** @param {string} state */
export function isProblem(state) {
  return PROBLEMS.has(state);
}

/**
 * All cameras in one line, as this screen shows them: how many are in which state, the good ones first.
 * @param {{state: string, reduced?: boolean}[]} cameras
 * @returns {{state: string, text: string}[]}
 */
export function summary(cameras) {
  const count = (/** @type {string} */ state) => cameras.filter((camera) => camera.state === state).length;
  const live = count("live");
  const parts = [{ state: live > 0 ? "live" : "none", text: `${live} of ${cameras.length} live` }];
  const reduced = cameras.filter((camera) => camera.reduced).length;
  if (reduced > 0) parts.push({ state: "reduced", text: `${reduced} reduced` });
  for (const state of ["connecting", "reconnecting", "stale", "failed"]) {
    if (count(state) > 0) parts.push({ state, text: `${count(state)} ${state}` });
  }
  return parts;
}

/**
 * What there is to say where none of several cameras can be shown: the one reason they share, or where to look.
 * Nothing while there is one that is not failed.
 * @param {Pick<TileState, "state" | "what" | "remedy">[]} tiles
 */
export function allFailed(tiles) {
  if (tiles.length < 2 || tiles.some(({ state }) => state !== "failed")) return "";
  const reasons = new Set(tiles.map(({ what, remedy }) => join(what, remedy && `${remedy.replace(/\.$/, "")}.`)));
  const [first] = reasons;
  return reasons.size === 1 ? first : "Each tile says why, and what to do.";
}

/**
 * What a screen reader is told when tiles change state, in one sentence.
 * @param {{name: string, word: string}[]} changes
 */
export function announcement(changes) {
  if (changes.length <= 3) return changes.map(({ name, word }) => `${name}: ${word}`).join(". ");
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { word } of changes) counts.set(word, (counts.get(word) ?? 0) + 1);
  return `${changes.length} cameras changed: ${[...counts].map(([word, n]) => `${n} ${word}`).join(", ")}`;
}
