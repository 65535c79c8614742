/** All tiles: which there are, where they go, and which one stands alone. */

import { layout, neighbour } from "./layout.js";
import { isProblem } from "./state.js";
import { Tile } from "./tile.js";

/** @typedef {import("./api.js").Status} Status */
/** @typedef {import("./layout.js").Rect} Rect */

export class Wall {
  /** @type {Map<string, Tile>} */
  tiles = new Map();
  /** The camera that stands alone, or null. @type {string | null} */
  alone = null;
  #root;
  #make;
  /** @type {Rect[]} */
  #rects = [];
  #laid = "";
  #seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) /** @type {Tile} */ (entry.target).see(entry.isIntersecting);
    },
    { rootMargin: "80px" },
  );

  /**
   * @param {HTMLElement} root
   * @param {(camera: string) => Tile} make
   */
  constructor(root, make) {
    this.#root = root;
    this.#make = make;
    root.setAttribute("role", "list");
    root.addEventListener("focusin", (event) => {
      const tile = /** @type {Element} */ (event.target).closest("tl-tile");
      if (tile instanceof Tile) this.#rove(tile);
    });
    new ResizeObserver(() => this.lay()).observe(root);
  }

  /**
   * Make the tiles those of the box, in its order.
   * @param {Status[]} cameras
   */
  take(cameras) {
    const ids = new Set(cameras.map(({ id }) => id));
    for (const [id, tile] of this.tiles) {
      if (ids.has(id) || id === this.alone) continue;
      this.#seen.unobserve(tile);
      tile.close();
      this.tiles.delete(id);
    }
    if (this.alone !== null && !ids.has(this.alone)) (this.tiles.get(this.alone) ?? this.#add(this.alone)).take(null);
    for (const status of cameras) {
      const tile = this.tiles.get(status.id) ?? this.#add(status.id);
      tile.take(status);
    }
    this.#order(cameras);
    this.lay();
  }

  tick() {
    for (const tile of this.tiles.values()) tile.tick();
    this.lay();
  }

  /**
   * One camera alone, or all (null).
   * @param {string | null} camera
   */
  show(camera) {
    this.alone = camera;
    this.lay();
  }

  /** The tile that has the focus, or the one that would get it. */
  get current() {
    if (this.alone !== null) return this.tiles.get(this.alone) ?? null;
    const focused = document.activeElement?.closest("tl-tile");
    if (focused instanceof Tile && this.tiles.get(focused.camera) === focused) return focused;
    return [...this.tiles.values()].find((tile) => tile.handle.tabIndex === 0) ?? null;
  }

  /**
   * The tile to go to by a key.
   * @param {import("./keys.js").Action} action
   * @returns {Tile | null}
   */
  towards(action) {
    const all = [...this.tiles.values()];
    const at = this.current ? all.indexOf(this.current) : -1;
    if (all.length === 0) return null;
    if (action === "problem") {
      const round = [...all.slice(at + 1), ...all.slice(0, at + 1)];
      return round.find(({ shown, status }) => isProblem(shown?.state ?? "") || isProblem(status?.state ?? "")) ?? null;
    }
    if (action === "home" || at < 0) return all[0];
    if (action === "end") return all[all.length - 1];
    const flat = this.alone !== null;
    if (flat) {
      const step = action === "left" || action === "up" ? -1 : 1;
      return all[(at + step + all.length) % all.length];
    }
    if (action === "left" || action === "right" || action === "up" || action === "down") {
      return all[neighbour(this.#rects, at, action)] ?? null;
    }
    return null;
  }

  /** Put every tile in its place; does nothing where nothing has changed. */
  lay() {
    const { clientWidth: width, clientHeight: height } = this.#root;
    const all = [...this.tiles.values()];
    // Rounded, so that a renegotiated pixel moves nothing.
    const aspects = all.map((tile) => Math.round(tile.aspect * 200) / 200);
    const key = JSON.stringify([width, height, this.alone, [...this.tiles.keys()], aspects]);
    if (key === this.#laid || width === 0) return;
    this.#laid = key;
    const laid = layout(width, height, aspects);
    this.#rects = laid.tiles;
    this.#root.style.setProperty("--wall-height", `${laid.height}px`);
    this.#root.toggleAttribute("data-alone", this.alone !== null);
    all.forEach((tile, at) => {
      const alone = tile.camera === this.alone;
      tile.toggleAttribute("data-alone", alone);
      tile.hidden = this.alone !== null && !alone;
      for (const [name, value] of Object.entries(laid.tiles[at])) tile.style.setProperty(`--${name}`, `${value}px`);
    });
    if (!all.some((tile) => tile.handle.tabIndex === 0) && all.length > 0) this.#rove(all[0]);
  }

  /** @param {string} camera */
  #add(camera) {
    const tile = this.#make(camera);
    tile.setAttribute("role", "listitem");
    tile.handle.tabIndex = -1;
    this.tiles.set(camera, tile);
    this.#root.append(tile);
    this.#seen.observe(tile);
    return tile;
  }

  /** @param {Status[]} cameras */
  #order(cameras) {
    const wanted = cameras.map(({ id }) => id);
    if (wanted.join("\n") === [...this.tiles.keys()].join("\n")) return;
    const sorted = [...this.tiles].sort(([a], [b]) => wanted.indexOf(a) - wanted.indexOf(b));
    this.tiles = new Map(sorted);
    this.#root.append(...this.tiles.values());
  }

  /**
   * One tile is in the tab order, the arrow keys reach the others.
   * @param {Tile} chosen
   */
  #rove(chosen) {
    for (const tile of this.tiles.values()) tile.handle.tabIndex = tile === chosen ? 0 : -1;
  }
}
