/** All there is to know of one camera and of this viewer's connection to it. */

import { el, setText } from "./dom.js";
import { count, millis, percent, rate } from "./figures.js";

/** @typedef {import("./tile.js").Tile} Tile */

const PATHS = { host: "direct", srflx: "direct, through a NAT that STUN opened", relay: "by a relay (TURN)" };

export class Details {
  root = el("aside", { class: "details", "aria-label": "Details of this camera" });
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Tile | null} */
  #tile = null;
  #asking = false;
  /** @type {Record<string, string>} */
  #wire = {};

  /**
   * @param {Tile | null} tile
   */
  show(tile) {
    if (tile !== this.#tile) this.#wire = {};
    this.#tile = tile;
    this.update();
  }

  /** Once a second. */
  update() {
    const tile = this.#tile;
    if (!tile) return;
    void this.#ask(tile);
    this.#section("Camera", cameraRows(tile));
    this.#section("Analysis", analysisRows(tile));
    this.#section("This viewer", { ...viewerRows(tile), ...this.#wire });
    this.#section("Boxes on the picture", overlayRows(tile));
  }

  /**
   * @param {string} title
   * @param {Record<string, string>} rows
   */
  #section(title, rows) {
    let list = this.#rows.get(title);
    if (!list) {
      list = el("dl");
      this.#rows.set(title, list);
      this.root.append(el("section", {}, el("h2", {}, title), list));
    }
    const names = Object.keys(rows);
    if (list.dataset.names !== names.join("\n")) {
      list.dataset.names = names.join("\n");
      const row = (/** @type {string} */ name) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }));
      list.replaceChildren(...names.map(row));
    }
    [...list.children].forEach((row, at) => setText(/** @type {Element} */ (row.lastElementChild), rows[names[at]]));
  }

  /** @param {Tile} tile */
  async #ask(tile) {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const stats = await tile.link.session?.stats();
      if (tile !== this.#tile) return;
      this.#wire = stats ? wireRows(stats) : {};
    } finally {
      this.#asking = false;
    }
  }
}

/**
 * The camera's picture in px, and how large it is with square ones.
 * @param {import("./api.js").Status} status
 */
function sizes({ width, height, sample_aspect: aspect }) {
  const coded = `${width} × ${height}`;
  if (aspect === 1) return coded;
  return `${coded}, shown as ${Math.round(width * Math.max(1, aspect))} × ${Math.round(height * Math.max(1, 1 / aspect))}`;
}

/** @param {Tile} tile */
function cameraRows({ status, shown, camera }) {
  if (!status) return { State: shown?.word ?? "–", Id: camera };
  const size = status.width > 0 ? sizes(status) : "–";
  return {
    State: shown?.word ?? "–",
    Id: status.id,
    ...(status.error ? { Error: status.error } : {}),
    Picture: size,
    Codec: status.codec ?? "–",
    Sent: status.codec === null ? "–" : status.passthrough ? "as the camera sends it" : "encoded once for all viewers",
    "Pictures in": `${rate(status.fps_in)} fps`,
    Reconnects: count(status.reconnects),
    "Worker restarts": count(status.restarts),
    Viewers: count(status.viewers),
    ...lost(status),
  };
}

/**
 * What went missing on its way through the box, where anything did.
 * @param {import("./api.js").Status} status
 */
function lost(status) {
  const ways = /** @type {const} */ ([
    ["Packets not taken from the camera", status.source_dropped],
    ["Packets lost inside the box", status.line_dropped],
    ["Facts lost inside the box", status.facts_dropped],
    ["Facts lost on the way to viewers", status.facts_unsent],
    ["Packets damaged", status.decode_errors],
    ["Pictures too late to encode", status.pictures_late],
  ]);
  return Object.fromEntries(ways.filter(([, number]) => number > 0).map(([name, number]) => [name, count(number)]));
}

/**
 * @param {Tile} tile
 * @returns {Record<string, string>}
 */
function analysisRows({ status, player }) {
  if (!status) return { Analysed: "–" };
  /** @type {Map<string, number>} */
  const labels = new Map();
  for (const { label } of player.newest?.tracks ?? []) labels.set(label, (labels.get(label) ?? 0) + 1);
  const seen = [...labels].map(([label, n]) => `${n} ${label}${n === 1 ? "" : "s"}`).join(", ");
  return {
    "In the picture": seen || "nobody",
    Analysed: `${rate(status.fps_analysed)} fps`,
    Detected: `${rate(status.fps_detected)} Hz`,
    "Pictures not analysed": count(status.frames_skipped),
    ...(status.analysis_waits ? { Waits: "for a whole picture: the stream was damaged" } : {}),
    Reduced: status.shed.length > 0 ? status.shed.join(" · ") : "nothing",
  };
}

/** @param {Tile} tile */
function viewerRows({ path, age, status, player }) {
  const { counters } = player;
  return {
    Path: path ? `${PATHS[path.kind]} (${path.pair}, ${path.protocol.toUpperCase()})` : "–",
    "Delay on this screen": millis(age),
    "Delay at the box": millis(status?.latency_ms ?? null),
    "First picture after": millis(counters.firstFrameMs),
    "Dropped for viewers": count(status?.packets_dropped ?? 0),
  };
}

/** @param {RTCStatsReport} stats */
function wireRows(stats) {
  /** @type {Record<string, string>} */
  const rows = {};
  for (const entry of stats.values()) {
    if (entry.type === "candidate-pair" && entry.nominated && Number.isFinite(entry.currentRoundTripTime)) {
      rows["Round trip"] = millis(entry.currentRoundTripTime * 1000);
    }
    if (entry.type !== "inbound-rtp" || entry.kind !== "video") continue;
    rows["Held against jitter"] = millis((entry.jitterBufferDelay / entry.jitterBufferEmittedCount) * 1000 || 0);
    rows["Packets lost"] = count(Math.max(0, entry.packetsLost));
    rows["Pictures decoded"] = `${count(entry.framesDecoded)}, ${count(entry.framesDropped ?? 0)} dropped`;
  }
  return rows;
}

/**
 * @param {Tile} tile
 * @returns {Record<string, string>}
 */
function overlayRows({ player: { counters, mode } }) {
  const { frames, exact, late, mended, missing, waiting } = counters;
  const judged = frames - waiting;
  if (mode === "newest") {
    const why = "newest boxes on the newest picture: this browser does not tell a picture's RTP time stamp";
    return { Drawn: why, "Pictures shown": count(frames) };
  }
  return {
    Drawn: mode === "in-step" ? "on the picture they belong to" : "–",
    "Of the same picture": judged > 0 ? `${percent(exact, judged)} (${count(exact)})` : "–",
    "Of an older one": mended > 0 ? `${count(late)}, ${count(mended)} mended` : count(late),
    "Without boxes": count(missing),
    "Pictures shown": count(frames),
  };
}
