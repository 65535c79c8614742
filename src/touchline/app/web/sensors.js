/** <tl-sensors>: the venue's sensors in a strip: how each link and node does, and what it last told. */

import { BoxError, getJson } from "./api.js";
import { el, setAttribute, setText } from "./dom.js";
import { linkLine, nodeLine, nodeRows, nodesOf, sensed, unknownLine, worst } from "./sensed.js";

/** @typedef {import("./sensed.js").Line} Line */
/** @typedef {import("./sensed.js").Sensed} Sensed */

/** Asks the box for its sensors each time it is told to, until it has none; hidden until it has some. */
export class Sensors extends HTMLElement {
  /** The state of all together, or null where the venue has none. @type {string | null} */
  state = null;
  #links = el("ul", { class: "links" });
  #nodes = el("ul", { class: "nodes" });
  /** @type {Map<string, Item>} */
  #items = new Map();
  /** @type {Sensed | null} */
  #told = null;
  #unknown = el("li", { class: "unknown", dir: "auto" });
  #asking = false;
  #none = false;

  connectedCallback() {
    this.append(el("h2", {}, "Sensors"), el("div", {}, this.#links, this.#nodes));
  }

  /** Another box may answer from now on. */
  reset() {
    this.#none = false;
  }

  /** Ask the box, unless it has said that it has no sensors or is still being asked. */
  async ask() {
    if (this.#asking || this.#none) return;
    this.#asking = true;
    try {
      this.#told = sensed(await getJson("/api/v1/sensors"));
      this.#none = this.#told === null || this.#told.links.length + this.#told.nodes.length === 0;
    } catch (error) {
      // What is wrong with the box is said by who asks for its cameras.
      if (!(error instanceof BoxError)) throw error;
    } finally {
      this.#asking = false;
    }
  }

  /**
   * A few times a second.
   * @param {{now: number | null, reachable: boolean, camera: string | null, name: (camera: string) => string}} page
   *   `now`: the box's media time, s; `camera`: the one that is shown alone; `name`: a camera's, by its id
   */
  update({ now, reachable, camera, name }) {
    const told = this.#none ? null : this.#told;
    this.toggleAttribute("data-old", !reachable);
    if (told === null) {
      this.state = null;
      return;
    }
    /** @type {Line[]} */
    const lines = [];
    const links = told.links.map((link) => {
      const item = this.#item(`link ${link.name}`, () => new LinkItem(link.name));
      lines.push(item.tell(linkLine(link)));
      return item.root;
    });
    const nodes = nodesOf(told.nodes, camera).map((node) => {
      const item = this.#item(`node ${node.id}`, () => new NodeItem(node.id));
      lines.push(item.say(nodeLine(node, now)));
      item.rows(nodeRows(node, now, name(node.camera)));
      return item.root;
    });
    this.state = worst(lines);
    setText(this.#unknown, unknownLine(told));
    put(this.#links, links);
    put(this.#nodes, this.#unknown.textContent ? [...nodes, this.#unknown] : nodes);
  }

  /**
   * The one that is there, or a new one.
   * @template {Item} T
   * @param {string} key
   * @param {() => T} make
   * @returns {T}
   */
  #item(key, make) {
    const item = /** @type {T | undefined} */ (this.#items.get(key)) ?? make();
    this.#items.set(key, item);
    return item;
  }
}

/**
 * Make `wanted` the list's children; does nothing where they are, so that the focus stays.
 * @param {Element} list
 * @param {Element[]} wanted
 */
function put(list, wanted) {
  const same = wanted.length === list.childElementCount && wanted.every((child, at) => list.children[at] === child);
  if (!same) list.replaceChildren(...wanted);
}

/** One line of the strip. */
class Item {
  root = el("li");
  line;
  #shape = el("span", { class: "shape", "aria-hidden": "true" });
  #name = el("span", { class: "name", dir: "auto" });
  #word = el("span", { class: "word" });
  #when = el("span", { class: "when" });
  #counts = el("span", { class: "counts" });

  /**
   * @param {HTMLElement} line what holds its parts
   * @param {string} name
   */
  constructor(line, name) {
    this.line = line;
    line.classList.add("line");
    line.append(this.#shape, this.#name, this.#counts, this.#word, this.#when);
    setText(this.#name, name);
    setAttribute(this.#name, "title", name);
  }

  /**
   * @template {Line} L
   * @param {L} line
   * @returns {L}
   */
  say(line) {
    const { state, word, when, counts } = line;
    setAttribute(this.root, "data-state", state);
    setAttribute(this.#shape, "data-state", state);
    setText(this.#word, word);
    setAttribute(this.#word, "title", word);
    setText(this.#when, when);
    setText(this.#counts, counts);
    return line;
  }
}

class LinkItem extends Item {
  #what = el("span", { class: "what" });
  #remedy = el("span", { class: "remedy" });
  #error = el("p", { role: "status" }, this.#what, " ", this.#remedy);

  /** @param {string} name */
  constructor(name) {
    super(el("div"), name);
    this.root.append(this.line, this.#error);
  }

  /** @param {ReturnType<typeof linkLine>} line */
  tell(line) {
    this.root.toggleAttribute("data-wrong", line.what !== "");
    setText(this.#what, line.what);
    setText(this.#remedy, line.remedy);
    return this.say(line);
  }
}

class NodeItem extends Item {
  #rows = el("dl");

  /** @param {string} name */
  constructor(name) {
    super(el("summary"), name);
    this.root.append(el("details", {}, this.line, this.#rows));
  }

  /** @param {Record<string, string>} rows */
  rows(rows) {
    const names = Object.keys(rows);
    if (this.#rows.dataset.names !== names.join("\n")) {
      this.#rows.dataset.names = names.join("\n");
      this.#rows.replaceChildren(...names.map((name) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }))));
    }
    [...this.#rows.children].forEach((row, at) => setText(/** @type {Element} */ (row.lastElementChild), rows[names[at]]));
  }
}

customElements.define("tl-sensors", Sensors);
