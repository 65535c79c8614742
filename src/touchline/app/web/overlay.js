/**
 * Tracks drawn over the picture they belong to. Roles differ by line, not by colour alone: a player has a plain
 * box, a goalkeeper a double one, a referee a dashed one, the ball a ring.
 */

import { CLOCK, ticksBetween } from "./clock.js";
import { colourOf } from "./colours.js";

/** @typedef {import("./facts.js").Track} Track */
/** @typedef {import("./facts.js").TracksFact} TracksFact */
/** @typedef {{x: number, y: number, width: number, height: number}} Rect */
/** @typedef {{boxes: boolean, numbers: boolean, trails: boolean}} Shown */

export const TRAIL_S = 2;
export const TRAIL_STEP_S = 0.1;
const TRAIL_GAP_S = 0.5;
const HALO = "rgba(6, 9, 12, 0.6)";
const BALL = "#ffffff";

/**
 * Where a picture lies in a box that contains it whole.
 * @param {number} width of the box, px
 * @param {number} height
 * @param {number} pictureWidth
 * @param {number} pictureHeight
 * @returns {Rect}
 */
export function contain(width, height, pictureWidth, pictureHeight) {
  if (!(pictureWidth > 0) || !(pictureHeight > 0)) return { x: 0, y: 0, width, height };
  const scale = Math.min(width / pictureWidth, height / pictureHeight);
  const w = pictureWidth * scale;
  const h = pictureHeight * scale;
  return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h };
}

/**
 * What stands on a track's label: its number, and its role where that is not a player.
 * @param {Track} track
 */
export function labelOf(track) {
  if (track.label === "goalkeeper") return `GK ${track.id}`;
  if (track.label === "referee") return `REF ${track.id}`;
  return String(track.id);
}

/**
 * The point by which a track is followed: where its feet are, of a ball the middle.
 * @param {Track} track
 * @returns {[number, number]}
 */
export function footOf({ label, box: [left, top, right, bottom] }) {
  return [(left + right) / 2, label === "ball" ? (top + bottom) / 2 : bottom];
}

/**
 * Trails by track number, oldest point first, cut where a track was away.
 * @param {TracksFact[]} facts oldest first
 * @param {TracksFact} current only its tracks have trails
 * @returns {Map<number, [number, number][]>} points in px of the source picture
 */
export function trailsOf(facts, current) {
  /** @type {Map<number, {points: [number, number][], last: number}>} */
  const trails = new Map();
  const here = new Set(current.tracks.map((track) => track.id));
  for (const fact of facts) {
    for (const track of fact.tracks) {
      if (!here.has(track.id)) continue;
      let trail = trails.get(track.id);
      if (!trail || ticksBetween(fact.pts, trail.last) > TRAIL_GAP_S * CLOCK) {
        trail = { points: [], last: fact.pts };
        trails.set(track.id, trail);
      }
      trail.points.push(footOf(track));
      trail.last = fact.pts;
    }
  }
  return new Map([...trails].map(([id, { points }]) => [id, points]));
}

/**
 * Draw one fact. The caller has cleared the canvas.
 * @param {CanvasRenderingContext2D} context in CSS px
 * @param {Rect} picture where the picture lies, CSS px
 * @param {TracksFact} fact
 * @param {TracksFact[]} history for the trails, oldest first
 * @param {Shown} shown
 */
export function drawTracks(context, picture, fact, history, shown) {
  const sx = picture.width / fact.width;
  const sy = picture.height / fact.height;
  const line = Math.max(1, Math.min(2.5, picture.height / 300));
  context.save();
  context.beginPath();
  context.rect(picture.x, picture.y, picture.width, picture.height);
  context.clip();
  context.translate(picture.x, picture.y);
  context.lineJoin = "round";
  context.lineCap = "round";
  if (shown.trails) drawTrails(context, trailsOf(history, fact), fact, sx, sy, line);
  if (shown.boxes) {
    for (const track of fact.tracks) {
      const [left, top, right, bottom] = track.box;
      const rect = { x: left * sx, y: top * sy, width: (right - left) * sx, height: (bottom - top) * sy };
      if (track.label === "ball") drawBall(context, rect, line, picture.height / 25);
      else drawBox(context, rect, track, line);
    }
  }
  if (shown.numbers) drawNumbers(context, picture, fact, sx, sy);
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Rect} rect
 * @param {Track} track
 * @param {number} line
 */
function drawBox(context, rect, track, line) {
  context.setLineDash(track.label === "referee" ? [line * 3.5, line * 2.5] : []);
  outline(context, colourOf(track.id), line, () => context.strokeRect(rect.x, rect.y, rect.width, rect.height));
  if (track.label === "goalkeeper") {
    const inset = line * 2.5;
    if (rect.width > 4 * inset && rect.height > 4 * inset) {
      context.strokeRect(rect.x + inset, rect.y + inset, rect.width - 2 * inset, rect.height - 2 * inset);
    }
  }
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Rect} rect
 * @param {number} line
 * @param {number} most radius: a ring is small, whatever was taken for a ball
 */
function drawBall(context, rect, line, most) {
  const radius = Math.max(4.5, Math.min(most, Math.max(rect.width, rect.height) / 2 + line));
  outline(context, BALL, line, () => {
    context.beginPath();
    context.arc(rect.x + rect.width / 2, rect.y + rect.height / 2, radius, 0, 2 * Math.PI);
    context.stroke();
  });
}

/**
 * A line with a dark halo, so that it shows on any picture.
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 * @param {number} line
 * @param {() => void} stroke
 */
function outline(context, colour, line, stroke) {
  context.strokeStyle = HALO;
  context.lineWidth = line + Math.min(2, line);
  stroke();
  context.strokeStyle = colour;
  context.lineWidth = line;
  stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Map<number, [number, number][]>} trails
 * @param {TracksFact} fact
 * @param {number} sx
 * @param {number} sy
 * @param {number} line
 */
function drawTrails(context, trails, fact, sx, sy, line) {
  for (const track of fact.tracks) {
    const points = trails.get(track.id);
    if (!points || points.length < 2) continue;
    context.strokeStyle = track.label === "ball" ? BALL : colourOf(track.id);
    // Three lengths of it, the oldest faintest.
    for (let part = 0; part < 3; part += 1) {
      const from = Math.floor((part * (points.length - 1)) / 3);
      const to = Math.floor(((part + 1) * (points.length - 1)) / 3);
      if (to === from) continue;
      context.globalAlpha = 0.3 + 0.3 * part;
      context.lineWidth = line * (0.7 + 0.25 * part);
      context.beginPath();
      context.moveTo(points[from][0] * sx, points[from][1] * sy);
      for (let at = from + 1; at <= to; at += 1) context.lineTo(points[at][0] * sx, points[at][1] * sy);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Rect} picture
 * @param {TracksFact} fact
 * @param {number} sx
 * @param {number} sy
 */
function drawNumbers(context, picture, fact, sx, sy) {
  const size = Math.round(Math.max(8, Math.min(15, picture.height / 40)));
  context.font = `600 ${size}px ui-sans-serif, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  const height = size + 3;
  for (const track of fact.tracks) {
    if (track.label === "ball") continue;
    const text = labelOf(track);
    const width = context.measureText(text).width + 6;
    const middle = ((track.box[0] + track.box[2]) / 2) * sx;
    const left = Math.min(Math.max(middle - width / 2, 0), Math.max(0, picture.width - width));
    const above = track.box[1] * sy - height - 2;
    const top = above >= 0 ? above : Math.max(0, Math.min(track.box[1] * sy + 2, picture.height - height));
    context.fillStyle = colourOf(track.id);
    context.fillRect(left, top, width, height);
    context.fillStyle = "#06090c";
    context.fillText(text, left + width / 2, top + height / 2 + 0.5);
  }
}
