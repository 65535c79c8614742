/** <tl-tile>: one camera: its picture, its state in words, its figures. */

import { Damage, damageSaid } from "./damage.js";
import { el, setAttribute, setText } from "./dom.js";
import { count, millis, rate } from "./figures.js";
import { Link } from "./link.js";
import { Player } from "./player.js";
import { tileState, withheld } from "./state.js";
import { WhepSession } from "./whep.js";

/** @typedef {import("./api.js").Status} Status */
/** @typedef {import("./api.js").BoxState} BoxState */
/** @typedef {import("./candidates.js").Path} Path */
/** @typedef {import("./state.js").TileState} TileState */

/** Out of sight for so long, a tile gives its connection back. ms */
const UNSEEN_MS = 10_000;

let made = 0;

export class Tile extends HTMLElement {
  /** @type {Status | null} */
  status = null;
  /** @type {TileState | null} */
  shown = null;
  /** The media's way, once there is one. @type {Path | null} */
  path = null;
  /** How old the picture on screen is, ms, or null where unknown. @type {number | null} */
  age = null;
  /** The camera's id. */
  camera = "";
  /** @type {Player} */
  player = /** @type {any} */ (null);
  /** @type {Link<WhepSession>} */
  link = /** @type {any} */ (null);
  #damage = new Damage();
  #visible = false;
  #watchedFrom = 0;
  #unseenAt = 0;
  /** @type {import("./api.js").BoxPoll} */
  #poll = /** @type {any} */ (null);
  /** @type {(tile: Tile, state: TileState) => void} */
  #stateChanged = () => {};
  #shape = el("span", { class: "shape", "aria-hidden": "true" });
  #name = /** @type {HTMLAnchorElement} */ (el("a", { class: "name", dir: "auto" }));
  #word = el("span", { class: "word", id: `tile-${(made += 1)}` });
  #stage = el("div", { class: "stage" });
  #what = el("span", { class: "long" });
  #short = el("span", { class: "short" });
  #remedy = el("p", { class: "remedy" });
  #when = el("span", { class: "when" });
  #retry = el("button", { type: "button", class: "retry" }, "Try now");
  #headline = el("strong", { class: "headline" });
  #notice = el("div", { class: "notice" });
  #chips = el("ul", { class: "chips" });
  #figures = el("dl", { class: "figures" });
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();

  /**
   * Once, before it is put into the page.
   * @param {{camera: string, href: string | null, prefs: import("./prefs.js").Prefs, poll: import("./api.js").BoxPoll,
   *   stateChanged: (tile: Tile, state: TileState) => void}} setting
   */
  setUp({ camera, href, prefs, poll, stateChanged }) {
    this.camera = camera;
    this.#poll = poll;
    this.#stateChanged = stateChanged;
    if (href !== null) this.#name.href = href;
    this.#name.setAttribute("aria-describedby", this.#word.id);
    this.#figures.append(
      this.#figure("in", "fps in", "in"),
      this.#figure("analysed", "fps analysed", "analysed"),
      this.#figure("delay", "delay", ""),
      this.#figure("path", "", ""),
      this.#figure("viewers", "viewers", "viewers"),
    );
    this.#notice.append(
      this.#headline,
      el("p", { class: "what" }, this.#what, this.#short),
      this.#remedy,
      el("div", { class: "again" }, this.#when, this.#retry),
    );
    this.player = new Player(this.#stage, prefs, (pts, now) => this.#picture(pts, now));
    this.#stage.append(this.#chips, this.#notice);
    this.append(el("div", { class: "bar" }, this.#shape, this.#name, this.#word), this.#stage, this.#figures);
    this.link = new Link((on) => this.#open(on), () => this.update());
    this.#retry.addEventListener("click", () => this.retry());
    // A small tile's notice scrolls, so it lies over the link.
    this.#notice.addEventListener("click", ({ target }) => {
      if (target !== this.#retry) this.#name.click();
    });
    prefs.addEventListener("change", () => this.player.redraw());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#watchedFrom = performance.now();
    });
  }

  /** Width by height of its picture. */
  get aspect() {
    const { width, height, sample_aspect: sample } = this.status ?? { width: 16, height: 9, sample_aspect: 1 };
    return this.player.aspect ?? (width > 0 && height > 0 ? (width / height) * sample : 16 / 9);
  }

  /** @returns {HTMLAnchorElement} what takes the focus */
  get handle() {
    return this.#name;
  }

  /** Whether it is in sight. */
  get visible() {
    return this.#visible;
  }

  /** Figures for tests and measurements. */
  get counters() {
    const { path, player } = this;
    const state = this.shown?.state ?? "connecting";
    return { ...player.counters, state, mode: player.mode, path: path?.kind ?? null, pair: path?.pair ?? null, age: this.age };
  }

  /** Connect now; or play, where the browser wanted a click. */
  retry() {
    if (this.player.blocked) this.player.resume();
    else this.link.retry();
  }

  /** The box answers again: whoever waited for that waits no longer. */
  boxIsBack() {
    if (this.link.failure?.kind === "unreachable") this.link.retry();
  }

  /**
   * In sight or not: unseen tiles are not played.
   * @param {boolean} visible
   */
  see(visible) {
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (visible) this.#watchedFrom = performance.now();
    else this.#unseenAt = performance.now();
    this.update();
  }

  /** Leave the page. */
  close() {
    this.link.stop();
    this.remove();
  }

  /**
   * @param {Status | null} status null: the box no longer has this camera
   */
  take(status) {
    this.status = status;
    if (status) {
      this.player.sampleAspect = status.sample_aspect;
      this.#damage.take(status.decode_errors, this.#poll.state.answeredAt);
    }
    this.update();
  }

  /** A few times a second. */
  tick() {
    const now = performance.now();
    const { link, player } = this;
    const wanted = this.#visible || now - this.#unseenAt < UNSEEN_MS;
    const usable = this.status !== null && this.status.state !== "failed";
    if (!wanted) link.stop();
    else if (this.#visible && usable) link.start();
    const from = Math.max(player.pictureAt ?? 0, this.#watchedFrom);
    const judged = this.#visible && !document.hidden;
    const sends = this.status?.state === "live" && !withheld(this.status);
    link.tick({ live: judged && this.#poll.state.reachable && sends, quiet: now - from });
    this.update();
  }

  /** Say what is. */
  update() {
    const { link, player, status } = this;
    const now = performance.now();
    const state = tileState({
      now,
      box: this.#poll.state,
      status,
      link,
      pictureAt: player.pictureAt,
      watchedFrom: document.hidden ? now : this.#watchedFrom,
      visible: this.#visible,
      blocked: player.blocked,
    });
    const before = this.shown?.state;
    this.shown = state;
    setText(this.#name, status?.name ?? this.camera);
    setAttribute(this.#retry, "aria-label", `Try now: ${status?.name ?? this.camera}`);
    setText(this.#word, state.word);
    setText(this.#headline, state.word);
    setText(this.#what, state.what);
    setText(this.#short, state.short);
    setText(this.#remedy, state.remedy);
    setText(this.#when, state.when);
    this.#retry.hidden = !state.canRetry;
    this.#notice.hidden = state.state === "live";
    this.#notice.title = [state.what, state.remedy].filter(Boolean).join("\n");
    setAttribute(this, "data-state", state.state);
    setAttribute(this.#shape, "data-state", state.state);
    this.toggleAttribute("data-old", player.pictureAt !== null && state.state !== "live");
    if (status) this.#tell(status, this.#poll.state.reachable);
    if (before !== state.state) this.#stateChanged(this, state);
  }

  /**
   * @param {Status} status
   * @param {boolean} known whether it is of now: a box that does not answer may have changed its mind
   */
  #tell(status, known) {
    this.#set("in", known ? rate(status.fps_in) : "–", "Pictures a second from the camera");
    this.#set("analysed", known ? rate(status.fps_analysed) : "–", "Pictures a second that were analysed");
    const seen = this.age !== null && this.shown?.state === "live";
    const told = seen ? "From the box's first sight of a picture to this screen" : "Age of a picture when the box sends it";
    this.#set("delay", millis(seen ? this.age : known ? status.latency_ms : null), told);
    this.#set("viewers", known ? count(status.viewers) : "–", "Viewers of this camera");
    for (const unit of this.#figures.querySelectorAll('[data-figure="viewers"] dt span')) {
      setText(unit, status.viewers === 1 ? "viewer" : "viewers");
    }
    const relayed = this.path?.kind === "relay";
    this.#set("path", relayed ? "relayed" : "", relayed ? "The video comes through a relay (TURN)" : "");
    /** @type {[string, string][]} */
    const chips = [];
    // Any other state has its reason and its remedy where the chips would be.
    if (known && this.shown?.state === "live") {
      if (status.shed.length > 0) chips.push(["shed", `Reduced: ${status.shed.join(" · ")}`]);
      const damaged = damageSaid(this.#damage.lately(performance.now()), status.analysis_waits);
      if (damaged) chips.push(["damaged", damaged]);
      if (status.error) chips.push(["error", status.error]);
    }
    const said = chips.map((chip) => chip.join(" ")).join("\n");
    if (this.#chips.dataset.said === said) return;
    this.#chips.dataset.said = said;
    this.#chips.replaceChildren(
      ...chips.map(([kind, text]) => el("li", { class: kind, title: text }, text)),
    );
  }

  /**
   * @param {string} key
   * @param {string} long
   * @param {string} short
   */
  #figure(key, long, short) {
    const value = el("dd", {}, "–");
    this.#values.set(key, value);
    const unit = el("dt", {}, el("span", { class: "long" }, long), el("span", { class: "short", "aria-hidden": "true" }, short));
    return el("div", { "data-figure": key }, unit, value);
  }

  /**
   * @param {string} key
   * @param {string} text
   * @param {string} title
   */
  #set(key, text, title) {
    const value = /** @type {HTMLElement} */ (this.#values.get(key));
    setText(value, text);
    setAttribute(/** @type {Element} */ (value.parentElement), "title", title);
  }

  /** @param {import("./whep.js").Handlers & any} on */
  #open(on) {
    this.player.counters.firstFrameMs = null;
    this.path = null;
    return new WhepSession(this.camera, {
      phase: (phase) => {
        on.phase(phase);
        if (phase === "waiting") void this.#findPath();
      },
      stream: (stream) => this.player.play(stream),
      message: (message) => this.player.message(message),
      closing: () => this.player.stop(),
      failed: (failure) => on.failed(failure),
    });
  }

  async #findPath() {
    const { session } = this.link;
    const path = await session?.path();
    if (path && session === this.link.session) this.path = path;
  }

  /**
   * @param {number | null} pts
   * @param {number} now
   */
  #picture(pts, now) {
    const { counters } = this.player;
    if (counters.firstFrameMs === null) counters.firstFrameMs = Math.round(performance.now() - this.link.openedAt);
    const age = pts === null ? null : this.#poll.clock.age(pts, now);
    this.age = age === null || this.age === null ? age : this.age + 0.1 * (age - this.age);
    this.link.picture();
  }
}

customElements.define("tl-tile", Tile);
