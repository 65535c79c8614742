import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { linkLine, nodeLine, nodeRows, nodesOf, sensed, SILENT_S, unknownLine, worst } = await load("sensed.js");

const NOW = 100;
const LAST = { kind: "whistle", score: 0.9, media_time: NOW - 4 };

function node(fields = {}) {
  return sensed({ links: [], nodes: [{ id: "mic", kind: "sound", camera: "north", heard: NOW - 1, ...fields }] }).nodes[0];
}

function link(fields = {}) {
  return linkLine(sensed({ links: [{ name: "mqtt://b", state: "up", ...fields }], nodes: [] }).links[0]);
}

test("what is no answer is none, and what is missing or of another type is filled in", () => {
  for (const given of [null, {}, { links: [] }, { links: {}, nodes: [] }, "<h1>"]) assert.equal(sensed(given), null);
  const odd = sensed({ links: [{}, null, { name: 7 }], nodes: [null, { id: "" }, { id: "a", refused: { late: "x" }, last: {} }], unknown: "5" });
  assert.deepEqual([odd.links.length, odd.nodes.length, odd.unknown], [0, 1, 0]);
  assert.deepEqual([odd.nodes[0].refused, odd.nodes[0].last, odd.nodes[0].heard], [{}, null, null]);
});

test("a link says how it is, and what is wrong without saying its name twice", () => {
  assert.deepEqual([link().state, link().word, link().what], ["live", "Up", ""]);
  assert.equal(link({ state: "connecting" }).state, "connecting");
  const down = link({ state: "down", error: "mqtt://b: no answer in time; check that it is on" });
  assert.deepEqual([down.state, down.word, down.what, down.remedy], ["failed", "Down", "No answer in time.", "Check that it is on."]);
  assert.equal(link({ dropped: 1200 }).counts, "1,200 dropped");
});

test("a node says its last event, and what is not as it should be", () => {
  assert.deepEqual(nodeLine(node({ last: LAST }), NOW), { state: "live", word: "whistle", when: "4 s ago", counts: "" });
  assert.equal(nodeLine(node(), NOW).word, "No event");
  assert.deepEqual([nodeLine(node({ heard: null }), NOW).state, nodeLine(node({ heard: null }), NOW).word], ["connecting", "Not heard yet"]);
  assert.equal(nodeLine(node({ refused: { doubled: 5 } }), NOW).counts, "", "sent again is no fault");
  assert.equal(nodeLine(node({ refused: { doubled: 5, late: 2, json: 1, flood: 1 } }), NOW).counts, "2 late, 2 refused");
  assert.equal(nodeLine(node({ flooding: true }), NOW).state, "stale");
  assert.equal(nodeLine(node({ last: LAST }), null).when, "", "the box's clock is not known yet");
});

test("silent is a node that sent heartbeats and does no longer; one that never did may be quiet", () => {
  const heard = NOW - SILENT_S - 1;
  const ceased = nodeLine(node({ heard, heartbeats: 3, last: LAST }), NOW);
  assert.deepEqual([ceased.state, ceased.word, ceased.when], ["stale", "Silent", "31 s"]);
  const quiet = nodeLine(node({ heard, last: LAST }), NOW);
  assert.deepEqual([quiet.state, quiet.word], ["none", "whistle"]);
});

test("what opens below a node holds all of it", () => {
  const rows = nodeRows(node({ last: LAST, refused: { late: 2, doubled: 1 }, reason: "late: of 40 s ago", facts: 3 }), NOW, "North stand");
  assert.equal(rows["Last event"], "whistle, score 0.9, 4 s ago");
  assert.equal(rows.Refused, "2 late, 1 doubled");
  assert.deepEqual([rows.Camera, rows.Heard, rows["Last refused"]], ["North stand", "1 s ago", "late: of 40 s ago"]);
  assert.equal(nodeRows(node({ camera: "*" }), NOW, "*").Camera, "none alone");
});

test("one camera alone has its own nodes and those of none", () => {
  const nodes = [node(), node({ id: "wrist", camera: "*" }), node({ id: "other", camera: "south" })];
  assert.deepEqual(nodesOf(nodes, "north").map(({ id }) => id), ["mic", "wrist"]);
  assert.equal(nodesOf(nodes, null).length, 3);
});

test("unknown nodes are told of where there were some; the worst stands for all", () => {
  assert.equal(unknownLine({ unknown: 0, unknownLast: null }), "");
  assert.match(unknownLine({ unknown: 2, unknownLast: "x" }), /^2 messages .*, last: x$/);
  assert.equal(worst([{ state: "live" }, { state: "stale" }, { state: "failed" }]), "failed");
  assert.equal(worst([{ state: "live" }, { state: "none" }]), "live");
});
