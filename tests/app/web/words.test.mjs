import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { ago, again, allFailed, announcement, isProblem, summary, tileState, WORDS } = await load("state.js");
const { noPath, refused, splitRemedy } = await load("failure.js");
const { candidatesIn, fragment, pathIn } = await load("candidates.js");
const { millis, percent, rate } = await load("figures.js");
const { actionOf, CARD } = await load("keys.js");
const { status } = await load("api.js");
const { Slots } = await load("slots.js");

const NOW = 1_000_000;
const BOX = { reachable: true, why: "", answeredAt: NOW - 500, retryAt: 0 };
const LINK = { phase: "playing", failure: null, retryAt: 0 };

function say({ camera = {}, ...more } = {}) {
  const known = {
    now: NOW,
    box: BOX,
    status: camera && status({ id: "c", name: "C", state: "live", ...camera }),
    link: LINK,
    pictureAt: NOW - 40,
    watchedFrom: 0,
    visible: true,
    blocked: false,
  };
  return tileState({ ...known, ...more });
}

test("live while pictures come and the box says nothing else", () => {
  assert.equal(say().state, "live");
  assert.equal(say({ box: { ...BOX, reachable: false } }).state, "live", "the video needs no API");
});

test("stale after three seconds, with the age of what is on screen", () => {
  assert.equal(say({ pictureAt: NOW - 3000 }).state, "live");
  const stale = say({ pictureAt: NOW - 12_000 });
  assert.equal(stale.state, "stale");
  assert.match(stale.what, /^Last picture 12 s ago\./);
  assert.match(say({ camera: { state: "stale" }, pictureAt: null }).what, /stopped sending/);
  assert.match(say({ camera: { state: "stale", error: "cam: frozen; power it off" }, pictureAt: NOW - 9000 }).remedy, /Power it off/);
});

test("an encoded camera whose stream was damaged is not blamed on the way here", () => {
  const waits = { analysis_waits: true, passthrough: false };
  assert.equal(say({ camera: waits }).state, "live", "for a moment there is nothing to miss");
  const stale = say({ camera: waits, pictureAt: NOW - 12_000 });
  assert.deepEqual([stale.state, stale.when], ["stale", ""]);
  assert.match(stale.what, /12 s ago. The stream was damaged; the box waits for a whole picture/);
  assert.equal(say({ camera: waits, pictureAt: null }).state, "connecting");
  assert.match(say({ camera: { ...waits, passthrough: true }, pictureAt: NOW - 12_000 }).what, /nothing arrives here/);
});

test("a cached picture that has just arrived makes no camera live", () => {
  for (const state of ["stale", "failed", "connecting"]) assert.equal(say({ camera: { state } }).state, state);
});

test("the age of the last picture is the box's, which knows of pictures sent before this page was opened", () => {
  const frozen = { state: "stale", picture_age_ms: 70_000 };
  for (const pictureAt of [null, NOW - 40, NOW - 4000]) {
    assert.match(say({ camera: frozen, pictureAt }).what, /^Last picture 71 s ago\./, "told half a second ago");
  }
  const gone = { reachable: false, why: "it cannot be reached", answeredAt: NOW - 20_000, retryAt: 0 };
  assert.match(say({ camera: frozen, pictureAt: NOW - 60_000, box: gone }).what, /^Last picture 90 s ago\./);
  assert.match(say({ camera: frozen, pictureAt: NOW - 9000, box: gone }).what, /^Last picture 9 s ago\./);
  assert.doesNotMatch(say({ camera: { state: "connecting" }, pictureAt: null }).what, /Last picture/);
});

test("what was not watched is not stale", () => {
  assert.equal(say({ pictureAt: NOW - 60_000, watchedFrom: NOW - 1000 }).state, "live");
  assert.equal(say({ visible: false, pictureAt: NOW - 60_000, link: { ...LINK, phase: "idle" } }).state, "paused");
});

test("connecting says which step it is at", () => {
  const at = (phase) => say({ pictureAt: null, link: { ...LINK, phase } });
  assert.deepEqual([at("opening").state, at("opening").what], ["connecting", "Asking the box."]);
  assert.match(at("path").what, /path/);
  assert.match(at("waiting").what, /first picture/);
  assert.match(say({ camera: { state: "connecting" }, pictureAt: null }).what, /box waits for the camera/);
});

test("failed: the box's own words, and what to do", () => {
  const failed = say({ camera: { state: "failed", error: "x.mp4: not a video; name another file" } });
  assert.deepEqual([failed.state, failed.what, failed.remedy], ["failed", "x.mp4: not a video", "Name another file"]);
  assert.equal(say({ camera: null }).state, "failed");
});

test("failed and stale: when the box tries again", () => {
  for (const state of ["failed", "stale"]) {
    const at = (next_try_ms) => say({ camera: { state, error: "a: b; c", next_try_ms }, pictureAt: null });
    assert.deepEqual([at(30_000).when, at(30_000).canRetry], ["Next try in 30 s", false], "told half a second ago");
    assert.equal(at(0).when, "Trying again now");
    assert.equal(at(null).when, "", "never");
  }
});

test("a small tile leaves out the last picture's age and the camera's address, and nothing else", () => {
  const short = (error) => say({ camera: { state: "failed", error, picture_age_ms: 9000 } }).short;
  assert.equal(short("rtsp://***@h:554/a: nothing listens there; check its port"), "Nothing listens there");
  assert.equal(short("/srv/my clips/x.mp4: is not a video; give one"), "x.mp4: is not a video");
  assert.equal(short("its worker ended with status 1; starting another in 4 s"), "its worker ended with status 1");
  assert.equal(short("my.py: ZeroDivisionError: 1/0; mend it"), "my.py: ZeroDivisionError: 1/0");
});

test("reconnecting counts down, failed without a path says why", () => {
  const link = { phase: "pause", failure: { kind: "lost", what: "Lost.", remedy: "Look." }, retryAt: NOW + 4200 };
  const soft = say({ pictureAt: NOW - 6000, link });
  assert.deepEqual([soft.state, soft.when, soft.canRetry], ["reconnecting", "Trying again in 5 s", true]);
  assert.equal(soft.what, "Last picture 6 s ago. Lost.");
  const hard = say({ pictureAt: null, link: { ...link, failure: noPath(["host"], ["host"], ["10.0.0.2"]) } });
  assert.equal(hard.state, "failed");
  assert.match(hard.what, /No UDP path to this box \(host candidates only\).*10\.0\.0\.2/);
  assert.match(hard.remedy, /configure TURN/);
  assert.equal(say({ pictureAt: NOW - 9000, link: { ...link, phase: "path", failure: null } }).state, "reconnecting");
});

test("the reason stays while the next try runs, until that has got further", () => {
  const failure = noPath(["host"], ["host"], []);
  const at = (phase) => say({ pictureAt: null, link: { phase, failure, retryAt: NOW - 1 } });
  for (const phase of ["opening", "path"]) {
    assert.deepEqual([at(phase).state, at(phase).when, at(phase).canRetry], ["failed", "Trying again now", false]);
  }
  assert.equal(at("waiting").state, "connecting");
});

test("a box that does not answer is said to be so", () => {
  const box = { reachable: false, why: "it cannot be reached", answeredAt: NOW - 12_000, retryAt: NOW + 3000 };
  const gone = say({ box, pictureAt: null, link: { ...LINK, phase: "opening" } });
  assert.deepEqual([gone.state, gone.when], ["unreachable", "Trying again in 3 s"]);
  assert.match(gone.what, /for 12 s: it cannot be reached/);
});

test("which candidates were tried", () => {
  assert.match(noPath(["host", "srflx"], ["host"], []).what, /no relay.*host and srflx/);
  assert.match(noPath(["relay", "host"], ["host"], []).remedy, /relay \(TURN\) runs/);
  assert.match(noPath([], ["host"], []).what, /tried no candidates/);
  const silent = noPath(["host"], ["host"], [], true);
  assert.match(silent.what, /the relay gave no address/);
  assert.match(silent.remedy, /relay \(TURN\) runs/);
});

test("refusals: the box's words first, else what the status means", () => {
  assert.deepEqual(splitRemedy("a: b; c; do this"), ["a: b; c", "Do this"]);
  assert.deepEqual(splitRemedy("plain"), ["plain", ""]);
  assert.equal(refused(503, "all places are taken; try later").remedy, "Try later");
  const none = refused(406, "the offer has no H.264 with packetization-mode=1; offer it, for nothing else is sent");
  assert.deepEqual([none.kind, none.what], ["unsupported", "This browser plays no H.264 by WebRTC."]);
  assert.match(none.remedy, /Firefox/);
  assert.match(refused(500, "").what, /HTTP status 500/);
});

test("the box in one line", () => {
  const states = ["live", "live", "stale", "failed", "connecting"].map((state) => ({ state }));
  assert.deepEqual(summary(states).map(({ text }) => text), ["2 of 5 live", "1 connecting", "1 stale", "1 failed"]);
  assert.deepEqual(summary([{ state: "live" }]).map(({ text }) => text), ["1 of 1 live"]);
  assert.deepEqual(summary([{ state: "live", reduced: true }, { state: "paused" }]), [
    { state: "live", text: "1 of 2 live" },
    { state: "reduced", text: "1 reduced" },
  ]);
  assert.equal(summary([{ state: "failed" }])[0].state, "none", "no green light where nothing is live");
});

test("what needs somebody's hand", () => {
  assert.deepEqual(Object.keys(WORDS).filter(isProblem), ["stale", "reconnecting", "failed", "unreachable"]);
});

test("where none can be shown: the reason they share, or where to look", () => {
  const failed = (what, remedy = "") => ({ state: "failed", what, remedy });
  const path = failed("No UDP path to this box.", "Open UDP.");
  assert.equal(allFailed([path, path]), "No UDP path to this box. Open UDP.");
  assert.match(allFailed([path, failed("x.mp4: no video")]), /Each tile says why/);
  assert.equal(allFailed([path]), "", "one camera's tile says it");
  assert.equal(allFailed([path, { state: "connecting", what: "", remedy: "" }]), "");
});

test("a screen reader hears few changes one by one, and many as a sum", () => {
  assert.equal(announcement([{ name: "A", word: "Stale" }]), "A: Stale");
  const all = Array.from({ length: 40 }, (_, at) => ({ name: `C${at}`, word: at ? "Stale" : "Live" }));
  assert.equal(announcement(all), "40 cameras changed: 1 Live, 39 Stale");
});

test("figures", () => {
  assert.deepEqual([29.97, 30, 4.96, 0, 120.4, 99.96].map(rate), ["30", "30", "5", "0", "120", "100"]);
  assert.deepEqual([14.94, 2.5].map(rate), ["14.9", "2.5"]);
  assert.deepEqual([null, 41.6, 999.6, 1234, 45_000].map(millis), ["–", "42 ms", "1000 ms", "1.2 s", "45 s"]);
  assert.deepEqual([percent(0, 0), percent(353, 353), percent(9999, 10_000), percent(1, 3)], ["–", "100 %", "99.9 %", "33.3 %"]);
  assert.deepEqual([ago(900), ago(119_000), ago(150_000), ago(8e6)], ["1 s", "119 s", "2 min", "2 h"]);
  assert.equal(again(NOW - 5, NOW), "Trying again now");
});

test("keys: those with Ctrl are the browser's, and what is on the card works", () => {
  const press = (key, more = {}) => actionOf({ key, ctrlKey: false, altKey: false, metaKey: false, ...more });
  assert.equal(press("b"), "boxes");
  assert.equal(press("B"), "boxes");
  assert.equal(press("f", { ctrlKey: true }), null);
  assert.equal(press("constructor"), null);
  const names = { "←": "ArrowLeft", "↑": "ArrowUp", "→": "ArrowRight", "↓": "ArrowDown", Esc: "Escape" };
  for (const [keys] of CARD) {
    for (const key of keys) assert.ok(press(names[key] ?? key), `${key} does nothing`);
  }
});

test("a status of another version does no harm", () => {
  const odd = status({ id: "c", fps_in: "30", shed: [1, "rate"], latency_ms: null, error: "", name: 7 });
  assert.equal(odd.line_dropped, 0);
  assert.deepEqual([odd.fps_in, odd.shed, odd.latency_ms, odd.error, odd.name], [0, ["rate"], null, null, "c"]);
});

const SDP = [
  "v=0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:secret",
  "a=mid:0",
  "a=candidate:1 1 udp 2130706431 10.0.0.2 5000 typ host",
  "a=candidate:2 1 udp 1694498815 1.2.3.4 6000 typ srflx raddr 10.0.0.2 rport 5000",
].join("\r\n");

test("candidates in an answer, and those sent after the offer", () => {
  const { types, addresses } = candidatesIn(SDP);
  assert.deepEqual([[...types], [...addresses]], [["host", "srflx"], ["10.0.0.2", "1.2.3.4"]]);
  const body = fragment(SDP, [{ candidate: "candidate:9 1 udp 1 5.6.7.8 1 typ host", sdpMid: "1" }], true).split("\r\n");
  assert.deepEqual(body.slice(0, 2), ["a=ice-ufrag:abcd", "a=ice-pwd:secret"]);
  assert.ok(body.includes("a=mid:1") && body.includes("a=candidate:9 1 udp 1 5.6.7.8 1 typ host"));
  assert.equal(body.at(-2), "a=end-of-candidates");
});

test("the path in use", () => {
  const stats = (local, remote) =>
    new Map([
      ["T", { type: "transport", selectedCandidatePairId: "P" }],
      ["P", { type: "candidate-pair", localCandidateId: "L", remoteCandidateId: "R" }],
      ["L", { candidateType: local, protocol: "udp" }],
      ["R", { candidateType: remote }],
    ]);
  assert.equal(pathIn(stats("host", "host")).kind, "host");
  assert.equal(pathIn(stats("prflx", "host")).kind, "host");
  assert.equal(pathIn(stats("srflx", "host")).kind, "srflx");
  assert.equal(pathIn(stats("srflx", "relay")).kind, "relay");
  assert.deepEqual(pathIn(stats("host", "host")), { kind: "host", pair: "host → host", protocol: "udp" });
  assert.equal(pathIn(new Map()), null);
});

test("slots: so many at once, a slot given back twice is one", async () => {
  const slots = new Slots(2);
  const first = await slots.take();
  await slots.take();
  let third = false;
  const waiting = slots.take().then(() => (third = true));
  await Promise.resolve();
  assert.equal(third, false);
  first();
  first();
  await waiting;
  assert.equal(third, true);
  let fourth = false;
  void slots.take().then(() => (fourth = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(fourth, false);
});
