import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { CHROME, layout, MIN_WIDTH, neighbour } = await load("layout.js");

const WIDE = 16 / 9;
const TALL = 9 / 16;
const many = (count, aspect) => Array.from({ length: count }, () => aspect);
const columns = ({ tiles }) => new Set(tiles.map(({ x }) => x)).size;

function apart(tiles) {
  tiles.forEach((a, i) => {
    for (const b of tiles.slice(i + 1)) {
      const clear = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      assert.ok(clear, `${JSON.stringify(a)} and ${JSON.stringify(b)} overlap`);
    }
  });
}

for (const [width, height] of [[1264, 740], [1904, 1020], [2544, 1340]]) {
  for (const count of [1, 2, 3, 4, 7, 9, 16, 40]) {
    for (const aspect of [WIDE, TALL, 4 / 3]) {
      test(`${count} of ${aspect.toFixed(2)} in ${width}×${height}: all in sight, none over another`, () => {
        const { tiles } = layout(width, height, many(count, aspect));
        assert.equal(tiles.length, count);
        apart(tiles);
        for (const { x, y, width: w, height: h } of tiles) {
          assert.ok(x >= 0 && y >= 0 && x + w <= width + 1 && y + h <= height + 1);
          assert.ok(w >= MIN_WIDTH);
        }
      });
    }
  }
}

test("portraits stand beside each other, landscapes in a square", () => {
  assert.equal(columns(layout(1264, 740, many(4, TALL))), 4);
  assert.equal(columns(layout(1264, 740, many(4, WIDE))), 2);
  assert.equal(columns(layout(1264, 740, many(9, WIDE))), 3);
  assert.equal(columns(layout(1264, 740, many(16, WIDE))), 4);
});

test("one camera has the window", () => {
  const [tile] = layout(1264, 740, [WIDE]).tiles;
  assert.ok(tile.height >= 738 || tile.width >= 1262);
});

test("rows are even: nobody is left alone for want of balance", () => {
  const { tiles, rows } = layout(1264, 740, many(9, WIDE));
  assert.equal(rows, 3);
  assert.deepEqual([0, 1, 2].map((row) => tiles.filter(({ y }) => y === tiles[row * 3].y).length), [3, 3, 3]);
});

test("pictures of all kinds have one height, and the width they ask for", () => {
  const aspects = [WIDE, TALL, 4 / 3, 4, WIDE];
  const { tiles } = layout(1264, 740, aspects);
  const picture = tiles[0].height - CHROME;
  apart(tiles);
  tiles.forEach((tile, at) => {
    assert.equal(tile.height, tiles[0].height);
    if (tile.width > MIN_WIDTH) assert.ok(Math.abs(tile.width - picture * aspects[at]) < 8);
  });
});

test("too many for the window: it scrolls and nothing gets smaller than can be read", () => {
  const { tiles, height } = layout(800, 400, many(60, WIDE));
  assert.ok(height > 400);
  apart(tiles);
  for (const { width } of tiles) assert.ok(width >= MIN_WIDTH);
});

test("a phone: as wide as the screen, never wider", () => {
  for (const count of [1, 2, 4, 7, 40]) {
    for (const aspect of [WIDE, TALL]) {
      const { tiles } = layout(378, 700, many(count, aspect));
      apart(tiles);
      for (const { x, width } of tiles) assert.ok(x >= 0 && x + width <= 378);
    }
  }
  assert.ok(layout(378, 700, many(4, WIDE)).tiles[0].width > 370, "four landscapes: one under another");
});

test("no cameras, no tiles; no room, no fault", () => {
  assert.deepEqual(layout(100, 100, []), { tiles: [], height: 0, rows: 0 });
  assert.equal(layout(1, 1, [WIDE, TALL]).tiles.length, 2);
});

test("arrow keys go where the eye does", () => {
  const { tiles } = layout(1264, 740, many(7, WIDE)); // 3 + 3 + 1
  assert.equal(neighbour(tiles, 0, "right"), 1);
  assert.equal(neighbour(tiles, 0, "left"), 0);
  assert.equal(neighbour(tiles, 6, "right"), 6);
  assert.equal(neighbour(tiles, 1, "down"), 4);
  assert.equal(neighbour(tiles, 4, "up"), 1);
  assert.equal(neighbour(tiles, 5, "down"), 6, "the nearest of a shorter row");
  assert.equal(neighbour(tiles, 0, "up"), 0);
});
