import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { FactMap, KEPT, tracksFact } = await load("facts.js");
const { WRAP } = await load("clock.js");
const { contain, footOf, labelOf, trailsOf } = await load("overlay.js");
const { colourOf } = await load("colours.js");

const track = (id, box = [0, 0, 10, 20], label = "player") => ({ id, label, box, score: 1, detected: true });
const fact = (pts, ...tracks) => ({ pts, width: 100, height: 50, tracks });

test("never more than so many facts", () => {
  const facts = new FactMap();
  for (let at = 0; at < 10 * KEPT; at += 1) facts.add(fact(at * 3000));
  assert.equal(facts.size, KEPT);
  assert.equal(facts.forPicture(10 * KEPT * 3000 - 3000).exact, true, "the newest is there");
  assert.equal(facts.forPicture(0).fact, null, "the oldest is gone");
});

test("the same pts twice is one fact", () => {
  const facts = new FactMap();
  facts.add(fact(3000, track(1)));
  facts.add(fact(3000, track(2)));
  assert.equal(facts.size, 1);
  assert.equal(facts.forPicture(3000).fact.tracks[0].id, 2);
});

test("a picture gets its own fact, though newer ones are there", () => {
  const facts = new FactMap();
  for (const pts of [0, 3000, 6000, 9000]) facts.add(fact(pts));
  const { fact: found, exact } = facts.forPicture(3000);
  assert.deepEqual([found.pts, exact], [3000, true]);
});

test("else the newest older one, of at most 200 ms before", () => {
  const facts = new FactMap();
  for (const pts of [0, 3000, 90_000]) facts.add(fact(pts));
  assert.deepEqual(facts.forPicture(3001), { fact: facts.forPicture(3000).fact, exact: false });
  assert.equal(facts.forPicture(3000 + 18_000).fact.pts, 3000, "exactly 200 ms");
  assert.equal(facts.forPicture(3000 + 18_001).fact, null, "a tick more");
  assert.equal(facts.forPicture(89_999).fact, null, "a newer one is never drawn");
});

test("facts are found across the wrap of 32 bits", () => {
  const facts = new FactMap();
  facts.add(fact(3 * WRAP - 3000));
  facts.add(fact(3 * WRAP + 6000));
  assert.equal(facts.forPicture(WRAP - 3000).exact, true);
  assert.equal(facts.forPicture(0).fact.pts, 3 * WRAP - 3000);
  assert.equal(facts.newest.pts, 3 * WRAP + 6000);
  facts.add(fact(3 * WRAP + 3000));
  assert.equal(facts.newest.pts, 3 * WRAP + 6000, "one that comes late is not the newest");
});

test("history is thinned, sorted and ends with the picture itself", () => {
  const facts = new FactMap();
  for (let at = 100; at >= 0; at -= 1) facts.add(fact(at * 3000));
  const pts = facts.before(300_000, 2, 0.1).map((one) => one.pts);
  assert.equal(pts.at(-1), 300_000);
  assert.ok(pts.length >= 20 && pts.length <= 22, `${pts.length} points`);
  assert.ok(pts[0] >= 120_000, "no more than two seconds");
  assert.deepEqual(pts, [...pts].sort((a, b) => a - b));
});

test("trails: feet, the ball's middle, cut where a track was away", () => {
  assert.deepEqual(footOf(track(1, [0, 0, 10, 20])), [5, 20]);
  assert.deepEqual(footOf(track(1, [0, 0, 10, 20], "ball")), [5, 10]);
  const history = [fact(0, track(1), track(2)), fact(9000, track(1)), fact(90_000, track(1), track(2)), fact(99_000, track(1))];
  const trails = trailsOf(history, history.at(-1));
  assert.deepEqual([...trails.keys()], [1], "who is gone has no trail");
  assert.equal(trails.get(1).length, 2, "only what came after the gap");
});

test("messages of other kinds, and broken ones, are none of ours", () => {
  const good = { type: "fact", kind: "tracks", pts: 1, width: 4, height: 4, tracks: [track(1)] };
  assert.equal(tracksFact(good).tracks.length, 1);
  for (const bad of [
    null,
    7,
    "x",
    [],
    { ...good, kind: "track_started" },
    { ...good, type: "hello" },
    { ...good, pts: "1" },
    { ...good, width: 0 },
    { ...good, tracks: {} },
  ]) {
    assert.equal(tracksFact(bad), null);
  }
  const some = [track(1), null, { id: 2 }, { ...track(3), box: [1, 2, 3] }, { ...track(4), box: [1, 2, 3, "4"] }];
  assert.deepEqual(tracksFact({ ...good, tracks: some }).tracks.map(({ id }) => id), [1]);
});

test("the picture lies whole in its box", () => {
  assert.deepEqual(contain(200, 100, 50, 50), { x: 50, y: 0, width: 100, height: 100 });
  assert.deepEqual(contain(100, 200, 100, 50), { x: 0, y: 75, width: 100, height: 50 });
  assert.deepEqual(contain(30, 20, 0, 0), { x: 0, y: 0, width: 30, height: 20 }, "no picture yet");
});

test("roles are told in words too, colours stay with their number", () => {
  assert.equal(labelOf(track(7)), "7");
  assert.equal(labelOf(track(7, undefined, "goalkeeper")), "GK 7");
  assert.equal(labelOf(track(7, undefined, "referee")), "REF 7");
  assert.equal(colourOf(7), colourOf(7));
  assert.notEqual(colourOf(7), colourOf(8));
  assert.match(colourOf(-1), /^#/);
});
