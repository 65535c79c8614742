import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { BoxClock, ptsOf, ticksBetween, wrap, WRAP } = await load("clock.js");

test("a pts beyond 32 bits and an RTP time stamp meet modulo 2^32", () => {
  const offset = 4_000_000_000;
  for (const pts of [0, 1, 3000, WRAP - 1, WRAP, WRAP + 1, 5 * WRAP + 77]) {
    const rtp = (pts + offset) % WRAP;
    assert.equal(ptsOf(rtp, offset), pts % WRAP);
    assert.equal(ptsOf(rtp, offset), wrap(pts));
  }
});

test("the time stamp wraps between two pictures", () => {
  const offset = WRAP - 1500;
  const first = ptsOf((0 + offset) % WRAP, offset);
  const second = ptsOf((3000 + offset) % WRAP, offset);
  assert.equal(second - first, 3000);
});

test("ticks between go the short way round", () => {
  assert.equal(ticksBetween(10, WRAP - 10), 20);
  assert.equal(ticksBetween(WRAP - 10, 10), -20);
  assert.equal(ticksBetween(3 * WRAP + 5, 5), 0);
  assert.equal(wrap(-1), WRAP - 1);
});

test("the box's clock takes the sample with the shortest way", () => {
  const clock = new BoxClock();
  assert.equal(clock.age(0, 0), null, "nothing is known yet");
  clock.sample(100, 1000, 1400); // at 1.2 s here it was 100 s there, give or take 200 ms
  clock.sample(101.3, 2500, 2502); // better: at 2.501 s it was 101.3 s
  const now = 3501; // so it is 102.3 s there
  assert.ok(Math.abs(clock.age(wrap(Math.round(102.25 * 90_000)), now) - 50) < 1);
  clock.reset();
  assert.equal(clock.age(0, 0), null);
});

test("an age that cannot be is not told", () => {
  const clock = new BoxClock();
  clock.sample(100, 0, 10);
  assert.equal(clock.age(wrap(5000 * 90_000), 5), null, "from the future");
  assert.equal(clock.age(wrap(100.02 * 90_000), 5), 0, "within the error of the clock");
});
