/** What console and viewer have in common: the box's health, keys, switches and tiles that say what changes. */

import { BoxPoll } from "./api.js";
import { Details } from "./details.js";
import { el, setText } from "./dom.js";
import { actionOf, CARD } from "./keys.js";
import { Prefs } from "./prefs.js";
import { again, allFailed, announcement, isProblem, summary } from "./state.js";
import { Sensors } from "./sensors.js";
import { Tile } from "./tile.js";
import { Wall } from "./wall.js";

/** @typedef {import("./keys.js").Action} Action */

const TICK_MS = 250;
/** Changes of state are told together, so that a box that goes down is one sentence and not forty. ms */
const TELL_MS = 700;

/** @param {string} selector */
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));

export class App {
  prefs = new Prefs();
  details = new Details();
  poll = new BoxPoll(() => this.#box());
  wall;
  /** Where the page has a place for them. */
  #sensors = /** @type {Sensors | null} */ (document.querySelector("tl-sensors"));
  #href;
  #act;
  #wanted;
  #roams;
  #card = /** @type {HTMLDialogElement} */ (find("#keys"));
  /** @type {Map<string, {name: string, word: string}>} */
  #news = new Map();
  #toTell = 0;
  #reachable = true;

  /**
   * @param {{href: (camera: string) => string | null, act: (action: Action) => boolean,
   *   wanted?: (camera: string) => boolean, roams?: boolean}} page where a tile's name leads, what its keys do beyond
   *   the common ones (true: done), which cameras it shows, whether it goes from one to another
   */
  constructor({ href, act, wanted = () => true, roams = true }) {
    this.#href = href;
    this.#act = act;
    this.#wanted = wanted;
    this.#roams = roams;
    this.wall = new Wall(find("#wall"), (camera) => this.#tile(camera));
    find("#wall").after(this.details.root);
    this.#switches();
    this.#keys();
    this.prefs.addEventListener("change", () => this.reflect());
    // Whoever comes back to the page, or to the network, does not wait for the next turn.
    addEventListener("online", () => this.poll.now());
    find("#ask").addEventListener("click", () => this.poll.now());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.poll.now();
    });
    addEventListener("pagehide", () => {
      for (const tile of this.wall.tiles.values()) tile.link.stop();
    });
    expose(this.wall, this.poll, this.prefs);
  }

  start() {
    this.reflect();
    this.poll.start();
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Show what is chosen: which tile stands alone, which switches are on. */
  reflect() {
    const alone = this.wall.alone;
    for (const name of /** @type {const} */ (["boxes", "numbers", "trails", "details", "sensors"])) {
      const button = document.querySelector(`[data-action="${name}"]`);
      button?.setAttribute("aria-pressed", String(this.prefs[name]));
    }
    document.body.toggleAttribute("data-alone", alone !== null);
    document.body.toggleAttribute("data-details", alone !== null && this.prefs.details);
    this.details.root.hidden = alone === null || !this.prefs.details;
    this.details.show(alone === null ? null : (this.wall.tiles.get(alone) ?? null));
    this.wall.lay();
  }

  #tick() {
    this.wall.tick();
    this.#health();
    this.#sense();
    const now = performance.now();
    if (!this.details.root.hidden && now - this.#updated > 900) {
      this.#updated = now;
      this.details.update();
    }
    if (this.#news.size > 0 && now > this.#toTell) {
      setText(find("#announcer"), announcement([...this.#news.values()]));
      this.#news.clear();
    }
  }
  #updated = 0;

  #box() {
    const { cameras, known, reachable } = this.poll.state;
    if (known) this.wall.take(cameras.filter(({ id }) => this.#wanted(id)));
    if (reachable && !this.#reachable) {
      for (const tile of this.wall.tiles.values()) tile.boxIsBack();
      this.#sensors?.reset();
    }
    this.#reachable = reachable;
    if (known && reachable) void this.#sensors?.ask();
    this.#health();
    this.reflect();
  }

  #health() {
    const { cameras, reachable, known, unguarded, why, retryAt } = this.poll.state;
    const health = find("#health");
    const now = performance.now();
    const parts = !known && reachable ? [{ state: "connecting", text: "Asking the box" }] : summary(this.#seen());
    const said = reachable ? parts : [{ state: "unreachable", text: "Box unreachable" }];
    const key = said.map(({ text }) => text).join("\n");
    if (health.dataset.said !== key) {
      health.dataset.said = key;
      const focused = health.contains(document.activeElement);
      health.replaceChildren(
        ...said.map(({ state, text }) => {
          const shape = el("span", { class: "shape", "data-state": state, "aria-hidden": "true" });
          if (!this.#roams || !isProblem(state) || !reachable) return el("span", { "data-state": state }, shape, text);
          const title = "Go to the next camera with a problem (p)";
          return el("button", { type: "button", "data-action": "problem", "data-state": state, title }, shape, text);
        }),
      );
      if (focused) (health.querySelector("button") ?? this.wall.current?.handle)?.focus();
    }
    const failed = known && reachable ? allFailed(this.#tiles().flatMap(({ shown }) => shown ?? [])) : "";
    find("#none-shown").hidden = failed === "";
    if (failed) setText(find("#none-shown-why"), failed);
    find("#unreachable").hidden = reachable;
    if (!reachable) setText(find("#unreachable-why"), `The box does not answer: ${why}. ${again(retryAt, now)}.`);
    find("#unguarded").hidden = !unguarded;
    find("#empty").hidden = !known || cameras.length > 0;
  }

  /** The strip of sensors and its switch, where the venue has some. */
  #sense() {
    const sensors = this.#sensors;
    if (!sensors) return;
    sensors.update({
      now: this.poll.clock.mediaTime(performance.now()),
      reachable: this.poll.state.reachable,
      camera: this.wall.alone,
      name: (camera) => this.wall.tiles.get(camera)?.status?.name ?? camera,
    });
    const { state } = sensors;
    sensors.hidden = state === null || !this.prefs.sensors;
    const button = /** @type {HTMLElement} */ (find('[data-action="sensors"]'));
    button.hidden = state === null;
    button.querySelector(".shape")?.setAttribute("data-state", state ?? "none");
  }

  /** The tiles that somebody can see. */
  #tiles() {
    return [...this.wall.tiles.values()].filter((tile) => !tile.hidden);
  }

  /** Every camera's state: as its tile shows it, or where none is in sight, as the box says. */
  #seen() {
    return this.poll.state.cameras.map(({ id, state, shed }) => {
      const tile = this.wall.tiles.get(id);
      const shown = tile?.visible && tile.shown && tile.shown.state !== "paused" ? tile.shown.state : state;
      return { state: shown, reduced: shown === "live" && shed.length > 0 };
    });
  }

  /** @param {string} camera */
  #tile(camera) {
    const tile = new Tile();
    tile.setUp({
      camera,
      href: this.#href(camera),
      prefs: this.prefs,
      poll: this.poll,
      stateChanged: (changed, state) => {
        if (changed.hidden || state.state === "paused") return;
        if (this.#news.size === 0) this.#toTell = performance.now() + TELL_MS;
        this.#news.set(camera, { name: changed.status?.name ?? camera, word: state.word });
      },
    });
    return tile;
  }

  #switches() {
    document.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("[data-action]");
      if (button instanceof HTMLElement) this.#do(/** @type {Action} */ (button.dataset.action));
    });
    this.#card.querySelector("dl")?.replaceChildren(
      ...CARD.map(([keys, text]) => {
        const caps = keys.map((key) => el("kbd", {}, key));
        return el("div", {}, el("dt", {}, ...caps), el("dd", {}, text));
      }),
    );
  }

  #keys() {
    document.addEventListener("keydown", (event) => {
      const action = actionOf(event);
      if (action === null || this.#card.open) return;
      if (this.#do(action)) event.preventDefault();
    });
  }

  /**
   * @param {Action} action
   * @returns {boolean} whether there was something to do
   */
  #do(action) {
    switch (action) {
      case "boxes":
      case "numbers":
      case "trails":
      case "details":
      case "sensors":
        this.prefs.toggle(action);
        return true;
      case "help":
        this.#card.showModal();
        return true;
      case "full":
        fullScreen();
        return true;
      case "retry":
        this.wall.current?.retry();
        return true;
      default:
        return this.#act(action);
    }
  }
}

function fullScreen() {
  const turn = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  turn.catch(() => {
    setText(find("#announcer"), "This browser does not allow full screen here");
  });
}

/**
 * For tests, measurements and the curious: window.touchline.cameras[id].
 * @param {Wall} wall
 * @param {BoxPoll} poll
 * @param {Prefs} prefs
 */
function expose(wall, poll, prefs) {
  const touchline = {
    get cameras() {
      return Object.fromEntries([...wall.tiles].map(([id, tile]) => [id, tile.counters]));
    },
    get box() {
      const { reachable, unguarded, why } = poll.state;
      return { reachable, unguarded, why };
    },
    get prefs() {
      const { boxes, numbers, trails, details, sensors } = prefs;
      return { boxes, numbers, trails, details, sensors };
    },
  };
  Object.defineProperty(window, "touchline", { value: touchline });
}
