import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { Damage, damageSaid, LATELY_MS } = await load("damage.js");

/** Told once a second what the counter is; how often it was damaged lately, each time. */
function lately(counts, every = 1000) {
  const damage = new Damage();
  return counts.map((count, second) => {
    damage.take(count, second * every);
    return damage.lately(second * every);
  });
}

test("a camera that was hit once says so for ten seconds", () => {
  const seen = lately([7, 7, 8, ...Array(14).fill(8)]);
  assert.deepEqual(seen, [0, 0, ...Array(LATELY_MS / 1000).fill(1), 0, 0, 0, 0, 0]);
});

test("one that is hit again and again says so steadily, however short each hit", () => {
  const seen = lately(Array.from({ length: 60 }, (_, second) => Math.floor(second / 4)));
  assert.ok(!seen.slice(4).includes(0), String(seen));
  assert.deepEqual(new Set(seen.slice(12)), new Set([2, 3]));
});

test("what happened before the page came, or while nobody asked, is not of the last ten seconds", () => {
  assert.deepEqual(lately([400]), [0]);
  assert.deepEqual(lately([0, 5], 60_000), [0, 0]);
  assert.deepEqual(lately([9, 0, 1]), [0, 0, 1], "a box that was started again");
});

test("an answer that is seen twice counts once", () => {
  const damage = new Damage();
  damage.take(1, 0);
  for (const _ of [1, 2, 3]) damage.take(2, 1000);
  assert.equal(damage.lately(1500), 1);
});

test("in words", () => {
  assert.equal(damageSaid(0, false), "");
  assert.equal(damageSaid(0, true), "Stream damaged: analysis waits for a whole picture");
  assert.equal(damageSaid(1, true), "Stream damaged once in the last 10 s");
  assert.equal(damageSaid(3, false), "Stream damaged 3 times in the last 10 s");
});
