/** The wall: where each tile goes. Pure. */

/** @typedef {{x: number, y: number, width: number, height: number}} Rect */

/** What a tile needs above and below its picture, px: bar, figures and edges; and at its sides. */
export const CHROME = 50;
export const EDGES = 2;
export const GAP = 8;
/** A tile narrower than this cannot say what it must. */
export const MIN_WIDTH = 150;
/** A picture lower than this shows nothing: the wall scrolls instead. */
const MIN_PICTURE = 78;
const NARROW = 600;

/**
 * Rows of pictures of one height, as high as the window allows, in the given order. Tiles are as wide as their
 * picture asks for. Where even the lowest pictures don't fit, the wall grows beyond `height` and scrolls.
 *
 * @param {number} width of the window's part for the wall, px
 * @param {number} height
 * @param {number[]} aspects width by height of each picture, > 0
 * @returns {{tiles: Rect[], height: number, rows: number}}
 */
export function layout(width, height, aspects) {
  if (aspects.length === 0) return { tiles: [], height: 0, rows: 0 };
  let picture = highest(width, height, aspects);
  let scrolls = picture === null;
  if (width < NARROW && (picture === null || share(width, height, picture, aspects) < 0.5)) {
    picture = narrow(width, height, aspects);
    scrolls = true;
  }
  picture ??= Math.max(MIN_PICTURE, MIN_WIDTH / middle(aspects));
  const widths = aspects.map((aspect) => tileWidth(/** @type {number} */ (picture), aspect, width));
  const rows = balance(widths, pack(widths, width).length, width);
  const cell = picture + CHROME;
  const total = rows.length * (cell + GAP) - GAP;
  const block = Math.max(...rows.map((row) => rowWidth(row.map((at) => widths[at]))));
  const left = Math.max(0, (width - block) / 2);
  const top = scrolls ? 0 : Math.max(0, (height - total) / 2);
  /** @type {Rect[]} */
  const tiles = [];
  rows.forEach((row, number) => {
    let x = left;
    for (const at of row) {
      tiles[at] = whole({ x, y: top + number * (cell + GAP), width: widths[at], height: cell });
      x += widths[at] + GAP;
    }
  });
  return { tiles, height: Math.ceil(total), rows: rows.length };
}

/**
 * The tile to go to from `from` by an arrow key; the same where there is none.
 * @param {Rect[]} tiles in reading order
 * @param {number} from
 * @param {"left" | "right" | "up" | "down"} direction
 */
export function neighbour(tiles, from, direction) {
  if (direction === "left") return Math.max(0, from - 1);
  if (direction === "right") return Math.min(tiles.length - 1, from + 1);
  const here = tiles[from];
  const centre = here.x + here.width / 2;
  const sign = direction === "down" ? 1 : -1;
  let best = from;
  let least = Infinity;
  tiles.forEach((tile, at) => {
    const down = sign * (tile.y - here.y);
    if (down <= 0) return;
    // The nearest row first, in it the nearest column.
    const distance = down * 1e4 + Math.abs(tile.x + tile.width / 2 - centre);
    if (distance < least) {
      least = distance;
      best = at;
    }
  });
  return best;
}

/**
 * The greatest height of picture at which all tiles fit, or null.
 * @param {number} width
 * @param {number} height
 * @param {number[]} aspects
 */
function highest(width, height, aspects) {
  const fits = (/** @type {number} */ picture) => {
    const rows = pack(aspects.map((aspect) => tileWidth(picture, aspect, width)), width).length;
    return rows * (picture + CHROME + GAP) - GAP <= height;
  };
  let low = MIN_PICTURE;
  let high = Math.min(height - CHROME, width / Math.min(...aspects));
  if (high < low || !fits(low)) return null;
  if (fits(high)) return high;
  while (high - low > 0.25) {
    const between = (low + high) / 2;
    if (fits(between)) low = between;
    else high = between;
  }
  return low;
}

/**
 * A phone scrolls: pictures as wide as the screen, two beside each other where there are many.
 * @param {number} width
 * @param {number} height
 * @param {number[]} aspects
 */
function narrow(width, height, aspects) {
  const columns = aspects.length > 6 && width >= 2 * MIN_WIDTH + GAP ? 2 : 1;
  const wide = (width - GAP * (columns - 1)) / columns;
  // A hair less, so that rounding never pushes the second one down.
  return Math.min((Math.floor(wide) - EDGES) / middle(aspects) - 0.01, Math.max(MIN_PICTURE, 0.8 * height - CHROME));
}

/**
 * @param {number} picture
 * @param {number} aspect
 * @param {number} width
 */
function tileWidth(picture, aspect, width) {
  return Math.min(width, Math.max(MIN_WIDTH, picture * aspect + EDGES));
}

/**
 * Rows of indices, each filled before the next begins.
 * @param {number[]} widths
 * @param {number} width
 * @returns {number[][]}
 */
function pack(widths, width) {
  /** @type {number[][]} */
  const rows = [];
  let left = -1;
  widths.forEach((wide, at) => {
    if (rows.length === 0 || wide + GAP > left) {
      rows.push([]);
      left = width + GAP;
    }
    rows[rows.length - 1].push(at);
    left -= wide + GAP;
  });
  return rows;
}

/**
 * The same number of rows, but as even as can be.
 * @param {number[]} widths
 * @param {number} count
 * @param {number} width
 */
function balance(widths, count, width) {
  let low = Math.max(...widths);
  let high = width;
  while (high - low > 0.5) {
    const between = (low + high) / 2;
    if (pack(widths, between).length <= count) high = between;
    else low = between;
  }
  return pack(widths, high);
}

/** @param {number[]} widths */
function rowWidth(widths) {
  return widths.reduce((sum, wide) => sum + wide + GAP, -GAP);
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} picture
 * @param {number[]} aspects
 */
function share(width, height, picture, aspects) {
  return aspects.reduce((sum, aspect) => sum + picture * picture * aspect, 0) / (width * height);
}

/** @param {number[]} values */
function middle(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * @param {Rect} rect
 * @returns {Rect}
 */
function whole({ x, y, width, height }) {
  return { x: Math.round(x), y: Math.round(y), width: Math.floor(width), height: Math.floor(height) };
}
