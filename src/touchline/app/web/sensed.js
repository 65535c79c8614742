/** What the box says of its sensors, and what the page says of it. Pure: answers go in, words come out. */

import { splitRemedy } from "./failure.js";
import { count } from "./figures.js";
import { ago } from "./state.js";

/** @typedef {{name: string, state: string, error: string | null, reconnects: number, dropped: number}} SensorLink */
/** @typedef {{kind: string, score: number | null, mediaTime: number}} NodeEvent */
/**
 * @typedef {{id: string, kind: string, camera: string, facts: number, heartbeats: number,
 *   refused: Record<string, number>, reason: string | null, flooding: boolean, heard: number | null,
 *   restarts: number, last: NodeEvent | null}} SensorNode
 */
/** @typedef {{links: SensorLink[], nodes: SensorNode[], unknown: number, unknownLast: string | null}} Sensed */

/** A node that sends heartbeats does so each 10 s, or is late. s */
export const SILENT_S = 30;
/** The camera of a node that belongs to none alone. */
const ALL_CAMERAS = "*";

/**
 * An answer of GET /api/v1/sensors with what is missing or of another type filled in, or null where it is none.
 * @param {any} given
 * @returns {Sensed | null}
 */
export function sensed(given) {
  if (!Array.isArray(given?.links) || !Array.isArray(given?.nodes)) return null;
  return {
    links: given.links.filter((/** @type {any} */ link) => text(link?.name)).map(linkOf),
    nodes: given.nodes.filter((/** @type {any} */ node) => text(node?.id)).map(nodeOf),
    unknown: number(given.unknown) ?? 0,
    unknownLast: text(given.unknown_last),
  };
}

/**
 * The nodes that concern a camera: its own and those of no camera alone. All, where none is named.
 * @param {SensorNode[]} nodes
 * @param {string | null} camera
 */
export function nodesOf(nodes, camera) {
  return camera === null ? nodes : nodes.filter((node) => node.camera === camera || node.camera === ALL_CAMERAS);
}

/**
 * @typedef {object} Line
 * @property {string} state whose shape it has
 * @property {string} word how it is doing or what was last
 * @property {string} when
 * @property {string} counts what is not as it should be, or nothing
 */

/**
 * @param {SensorLink} link
 * @returns {Line & {what: string, remedy: string}}
 */
export function linkLine({ name, state, error, dropped }) {
  const shape = state === "up" ? "live" : state === "down" ? "failed" : "connecting";
  const word = state === "up" ? "Up" : state === "down" ? "Down" : "Connecting";
  const own = error?.startsWith(`${name}: `) ? error.slice(name.length + 2) : (error ?? "");
  const [what, remedy] = splitRemedy(own);
  return {
    state: shape,
    word,
    when: "",
    counts: dropped > 0 ? `${count(dropped)} dropped` : "",
    what: what && `${what.charAt(0).toUpperCase()}${what.slice(1)}.`,
    remedy: remedy && `${remedy.replace(/\.$/, "")}.`,
  };
}

/**
 * @param {SensorNode} node
 * @param {number | null} now the box's media time, s, where it is known
 * @returns {Line}
 */
export function nodeLine(node, now) {
  const since = (/** @type {number} */ at) => (now === null ? "" : `${ago((now - at) * 1000)} ago`);
  const silent = node.heard !== null && now !== null && now - node.heard > SILENT_S;
  const late = node.refused.late ?? 0;
  const others = refusals(node) - late;
  const counts = [late > 0 ? `${count(late)} late` : "", others > 0 ? `${count(others)} refused` : ""];
  /** @param {string} state @param {string} word @param {string} when */
  const line = (state, word, when) => ({ state, word, when, counts: counts.filter(Boolean).join(", ") });
  if (node.flooding) return line("stale", "Sends too much", "");
  if (node.heard === null) return line("connecting", "Not heard yet", "");
  if (silent && node.heartbeats > 0) return line("stale", "Silent", since(node.heard).replace(/ ago$/, ""));
  const state = silent ? "none" : "live";
  return node.last ? line(state, node.last.kind, since(node.last.mediaTime)) : line(state, "No event", "");
}

/**
 * What there is to know of a node beside its line.
 * @param {SensorNode} node
 * @param {number | null} now the box's media time, s
 * @param {string} camera its camera's name
 * @returns {Record<string, string>}
 */
export function nodeRows(node, now, camera) {
  const since = (/** @type {number} */ at) => (now === null ? "–" : `${ago((now - at) * 1000)} ago`);
  const refused = Object.entries(node.refused).filter(([, number]) => number > 0);
  return {
    Senses: node.kind,
    Camera: node.camera === ALL_CAMERAS ? "none alone" : camera,
    ...(node.last ? { "Last event": eventText(node.last, since(node.last.mediaTime)) } : {}),
    Heard: node.heard === null ? "not yet" : since(node.heard),
    Events: count(node.facts),
    ...(node.heartbeats > 0 ? { Heartbeats: count(node.heartbeats) } : {}),
    ...(refused.length > 0 ? { Refused: refused.map(([why, n]) => `${count(n)} ${why}`).join(", ") } : {}),
    ...(node.reason !== null ? { "Last refused": node.reason } : {}),
    ...(node.restarts > 0 ? { Restarts: count(node.restarts) } : {}),
  };
}

/**
 * @param {Sensed} sensors
 * @returns {string} of messages of nodes that nobody named, or nothing
 */
export function unknownLine({ unknown, unknownLast }) {
  if (unknown === 0) return "";
  const last = unknownLast === null ? "" : `, last: ${unknownLast}`;
  return `${count(unknown)} ${unknown === 1 ? "message" : "messages"} of nodes that venue.toml does not name${last}`;
}

/**
 * The state of all together: the worst, for what shows but one.
 * @param {{state: string}[]} lines
 */
export function worst(lines) {
  return ["failed", "stale", "connecting"].find((state) => lines.some((line) => line.state === state)) ?? "live";
}

/**
 * @param {NodeEvent} event
 * @param {string} when
 */
function eventText({ kind, score }, when) {
  return [kind, score === null ? "" : `score ${score}`, when].filter(Boolean).join(", ");
}

/** @param {SensorNode} node a message that came twice is no fault: nodes send again what they are not sure of */
function refusals({ refused }) {
  return Object.entries(refused).reduce((sum, [why, number]) => sum + (why === "doubled" ? 0 : number), 0);
}

/** @param {any} given @returns {SensorLink} */
function linkOf(given) {
  return {
    name: given.name,
    state: text(given.state) ?? "connecting",
    error: text(given.error),
    reconnects: number(given.reconnects) ?? 0,
    dropped: number(given.dropped) ?? 0,
  };
}

/** @param {any} given @returns {SensorNode} */
function nodeOf(given) {
  const { last } = given;
  const whole = text(last?.kind) && number(last.media_time) !== null;
  return {
    id: given.id,
    kind: text(given.kind) ?? "–",
    camera: text(given.camera) ?? ALL_CAMERAS,
    facts: number(given.facts) ?? 0,
    heartbeats: number(given.heartbeats) ?? 0,
    refused: Object.fromEntries(Object.entries(given.refused ?? {}).filter(([, n]) => number(n) !== null)),
    reason: text(given.reason),
    flooding: given.flooding === true,
    heard: number(given.heard),
    restarts: number(given.restarts) ?? 0,
    last: whole ? { kind: last.kind, score: number(last.score), mediaTime: last.media_time } : null,
  };
}

/** @param {any} given @returns {string | null} */
function text(given) {
  return typeof given === "string" && given ? given : null;
}

/** @param {any} given @returns {number | null} */
function number(given) {
  return Number.isFinite(given) ? given : null;
}
