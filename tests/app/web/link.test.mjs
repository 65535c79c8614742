import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { FIRST_PICTURE_MS, Link, SILENCE_MS } = await load("link.js");
const { backoff } = await load("backoff.js");

const LOST = { kind: "lost", what: "gone", remedy: "look" };
const SEEN = { live: true, quiet: 0 };

function world() {
  const here = { now: 0, opened: [], closed: 0, changes: 0 };
  const open = (on) => {
    here.opened.push(on);
    return { close: () => (here.closed += 1) };
  };
  here.link = new Link(open, () => (here.changes += 1), { now: () => here.now, random: () => 0.5 });
  here.pass = (ms, seen = SEEN) => {
    here.now += ms;
    here.link.tick(seen);
  };
  return here;
}

test("it opens, plays and rests", () => {
  const here = world();
  here.link.start();
  here.link.start();
  assert.equal(here.opened.length, 1, "started twice, opened once");
  for (const phase of ["path", "waiting"]) {
    here.opened[0].phase(phase);
    assert.equal(here.link.phase, phase);
  }
  here.link.picture();
  assert.equal(here.link.phase, "playing");
  here.link.stop();
  assert.deepEqual([here.link.phase, here.closed, here.link.session], ["idle", 1, null]);
});

test("it tries for ever, with growing pauses that are bounded", () => {
  const here = world();
  here.link.start();
  const pauses = [];
  for (let at = 0; at < 50; at += 1) {
    here.opened.at(-1).failed(LOST);
    assert.equal(here.link.phase, "pause");
    const pause = here.link.retryAt - here.now;
    pauses.push(pause);
    here.pass(pause - 1);
    assert.equal(here.opened.length, at + 1, "not before its time");
    here.pass(1);
    assert.equal(here.opened.length, at + 2);
  }
  assert.deepEqual(pauses.slice(0, 4), [750, 1500, 3000, 6000]);
  assert.equal(Math.max(...pauses), 22_500);
});

test("a connection that held makes the next pause short again, one that flaps does not", () => {
  const here = world();
  here.link.start();
  for (let at = 0; at < 3; at += 1) {
    here.link.picture();
    here.opened.at(-1).failed(LOST);
    here.pass(30_000);
  }
  here.link.picture();
  here.pass(500);
  here.opened.at(-1).failed(LOST);
  assert.equal(here.link.retryAt - here.now, 6000);
  here.pass(30_000);
  here.link.picture();
  here.pass(10_001);
  here.opened.at(-1).failed(LOST);
  assert.equal(here.link.retryAt - here.now, 750);
});

test("what an old try still says is not heard", () => {
  const here = world();
  here.link.start();
  const [old] = here.opened;
  old.failed(LOST);
  here.pass(5000);
  assert.equal(here.link.phase, "opening");
  old.phase("waiting");
  old.failed(LOST);
  assert.equal(here.link.phase, "opening");
  here.link.stop();
  here.opened.at(-1).failed(LOST);
  assert.equal(here.link.phase, "idle");
});

test("a live camera without a picture is tried anew, one that does not send is left alone", () => {
  const here = world();
  here.link.start();
  here.opened[0].phase("waiting");
  here.pass(FIRST_PICTURE_MS + 1, { live: false, quiet: Infinity });
  assert.equal(here.link.phase, "waiting");
  here.pass(1, { live: true, quiet: Infinity });
  assert.deepEqual([here.link.phase, here.link.failure.kind, here.closed], ["pause", "no-picture", 1]);
  here.link.retry();
  here.link.picture();
  here.pass(1, { live: true, quiet: SILENCE_MS });
  assert.equal(here.link.phase, "playing");
  here.pass(1, { live: true, quiet: SILENCE_MS + 1 });
  assert.equal(here.link.phase, "pause");
});

test("a browser without WebRTC is not tried over and over, but on the viewer's word", () => {
  const here = world();
  here.link.start();
  here.opened[0].failed({ kind: "unsupported", what: "", remedy: "" });
  here.pass(1e9);
  assert.deepEqual([here.link.phase, here.opened.length], ["off", 1]);
  here.link.retry();
  assert.equal(here.opened.length, 2);
});

test("a failure while it opens leaves no session behind", () => {
  let closed = 0;
  const link = new Link(
    (on) => {
      on.failed(LOST);
      return { close: () => (closed += 1) };
    },
    () => {},
    { now: () => 0, random: () => 0 },
  );
  link.start();
  assert.deepEqual([link.phase, link.session], ["pause", null]);
});

test("back-off stays within its bounds", () => {
  for (const tries of [1, 2, 5, 30, 2000]) {
    for (const random of [0, 0.3, 0.999]) {
      const pause = backoff(tries, random);
      assert.ok(pause >= 500 && pause <= 30_000);
    }
  }
  assert.notEqual(backoff(9, 0.1), backoff(9, 0.9), "many viewers do not come at once");
});
