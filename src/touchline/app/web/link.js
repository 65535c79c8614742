/**
 * A tile's connection, kept up for ever: opened, watched, and opened again after a pause. It holds no timer:
 * whoever owns it calls `tick`.
 */

import { backoff } from "./backoff.js";

/** @typedef {import("./failure.js").Failure} Failure */
/** @typedef {{close(): void}} Session */
/** @typedef {"opening" | "path" | "waiting"} Opening asking the box, looking for a path, no picture yet */
/** @typedef {"idle" | Opening | "playing" | "pause" | "off"} Phase `off`: no use in trying again */

/** Connected and live, yet no picture: try anew. ms */
export const FIRST_PICTURE_MS = 10_000;
/** The camera sends and nothing arrives here: try anew. ms */
export const SILENCE_MS = 8000;
/** A connection that held so long is a good one: the next pause is short again. ms */
const HELD_MS = 10_000;

/** @template {Session} S */
export class Link {
  /** @type {Phase} */
  phase = "idle";
  /** @type {Failure | null} why the last try ended */
  failure = null;
  /** When the next try is due, ms. */
  retryAt = 0;
  /** When the running try began, ms. */
  openedAt = 0;
  /** @type {S | null} */
  session = null;
  #tries = 0;
  /** When the phase began, ms. */
  #since = 0;
  /** @type {symbol | null} names the running try: what an earlier one still says is not heard */
  #running = null;
  #open;
  #changed;
  #now;
  #random;

  /**
   * @param {(on: {phase: (phase: Opening) => void, failed: (failure: Failure) => void}) => S} open
   * @param {() => void} changed
   * @param {{now?: () => number, random?: () => number}} [world] the time in ms, and chance in 0 … 1
   */
  constructor(open, changed, { now = () => performance.now(), random = Math.random } = {}) {
    this.#open = open;
    this.#changed = changed;
    this.#now = now;
    this.#random = random;
  }

  start() {
    if (this.phase === "idle") this.#begin();
  }

  /** Close and rest: nobody looks, or the camera has failed. */
  stop() {
    if (this.phase === "idle") return;
    this.#end();
    this.failure = null;
    this.#tries = 0;
    this.#enter("idle");
  }

  /** Try now rather than when it is time. */
  retry() {
    if (this.phase === "pause" || this.phase === "off") this.#begin();
  }

  /** A picture has arrived. */
  picture() {
    if (this.phase === "playing" || !this.session) return;
    this.failure = null;
    this.#enter("playing");
  }

  /**
   * Call it a few times a second.
   * @param {{live: boolean, quiet: number}} seen `live`: the box says that the camera sends; `quiet`: ms since
   *   the last picture
   */
  tick({ live, quiet }) {
    const held = this.#now() - this.#since;
    if (this.phase === "pause" && this.#now() >= this.retryAt) this.#begin();
    else if (this.phase === "playing" && held > HELD_MS && quiet < 1000) this.#tries = 0;
    if (!live) return;
    const nothing = this.phase === "waiting" && held > FIRST_PICTURE_MS;
    if (nothing || (this.phase === "playing" && quiet > SILENCE_MS)) {
      const what = "The camera sends, but no picture arrives here.";
      this.#fail({ kind: "no-picture", what, remedy: "Check for packet loss between here and the box." });
    }
  }

  #begin() {
    const running = Symbol("try");
    this.#running = running;
    this.openedAt = this.#now();
    this.#enter("opening");
    const session = this.#open({
      phase: (phase) => {
        if (this.#running === running && this.phase !== "playing" && this.phase !== phase) this.#enter(phase);
      },
      failed: (failure) => {
        if (this.#running === running) this.#fail(failure);
      },
    });
    if (this.#running === running) this.session = session;
  }

  #end() {
    this.#running = null;
    const session = this.session;
    this.session = null;
    session?.close();
  }

  /** @param {Failure} failure */
  #fail(failure) {
    this.#end();
    this.failure = failure;
    this.#tries += 1;
    this.retryAt = this.#now() + backoff(this.#tries, this.#random());
    this.#enter(failure.kind === "unsupported" ? "off" : "pause");
  }

  /** @param {Phase} phase */
  #enter(phase) {
    this.phase = phase;
    this.#since = this.#now();
    this.#changed();
  }
}
