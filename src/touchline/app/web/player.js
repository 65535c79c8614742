/** The picture of one camera and what is drawn over it, in step. */

import { ptsOf, wrap } from "./clock.js";
import { el } from "./dom.js";
import { FactMap, tracksFact } from "./facts.js";
import { contain, drawTracks, TRAIL_S, TRAIL_STEP_S } from "./overlay.js";

/** @typedef {import("./facts.js").TracksFact} TracksFact */

/**
 * What happened so far, over all connections of this tile.
 * `frames` = `exact` + `late` + `missing` + `waiting`.
 * @typedef {object} Counters
 * @property {number} frames pictures shown
 * @property {number} exact with the boxes of this very picture
 * @property {number} late with older boxes, of at most 200 ms before
 * @property {number} mended of the late and missing: their own boxes came while they were still on screen
 * @property {number} missing without boxes, though boxes had come before
 * @property {number} waiting before the first boxes had come
 * @property {number} skipped pictures that the browser never showed
 * @property {number | null} lastPts of the picture on screen, modulo 2^32
 * @property {number | null} firstFrameMs from the first word of the running connection to its first picture
 */

export class Player {
  /** @type {Counters} */
  counters = {
    frames: 0, exact: 0, late: 0, mended: 0, missing: 0, waiting: 0, skipped: 0, lastPts: null, firstFrameMs: null,
  };
  /**
   * How boxes and pictures are brought together: by RTP time stamp, or where the browser tells none, newest to newest.
   * @type {"unknown" | "in-step" | "newest"}
   */
  mode = "unknown";
  /** When the last picture was put on screen, ms of performance.now(). @type {number | null} */
  pictureAt = null;
  /** The browser refused to play without a click. */
  blocked = false;
  /** The fact that is drawn. @type {TracksFact | null} */
  drawn = null;
  video = /** @type {HTMLVideoElement} */ (el("video", { playsinline: true, "aria-hidden": "true", tabindex: "-1" }));
  #still = /** @type {HTMLCanvasElement} */ (el("canvas", { class: "still", "aria-hidden": "true" }));
  #overlay = /** @type {HTMLCanvasElement} */ (el("canvas", { class: "overlay", "aria-hidden": "true" }));
  #context = /** @type {CanvasRenderingContext2D} */ (this.#overlay.getContext("2d"));
  #facts = new FactMap();
  /** @type {number | null} */
  #rtpOffset = null;
  #presented = 0;
  #exactNow = false;
  #fresh = false;
  #width = 0;
  #height = 0;
  #sampleAspect = 1;
  #shown;
  #onPicture;

  /**
   * @param {HTMLElement} stage
   * @param {import("./overlay.js").Shown} shown read at every picture
   * @param {(pts: number | null, now: number) => void} onPicture
   */
  constructor(stage, shown, onPicture) {
    this.#shown = shown;
    this.#onPicture = onPicture;
    this.video.muted = true;
    this.video.autoplay = true;
    this.video.disablePictureInPicture = true;
    this.video.addEventListener("resize", () => this.#shape());
    stage.append(el("div", { class: "screen" }, this.#still, this.video), this.#overlay);
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect)).observe(stage);
    this.#listen();
  }

  /** Width by height of the picture as it is shown, or null before there is one. */
  get aspect() {
    const { videoWidth, videoHeight } = this.video;
    return videoWidth > 0 && videoHeight > 0 ? (videoWidth / videoHeight) * this.#sampleAspect : null;
  }

  /**
   * How wide a pixel is to be shown, by its height. H.264 says it too, but over WebRTC browsers do not look there.
   * @param {number} ratio
   */
  set sampleAspect(ratio) {
    if (ratio === this.#sampleAspect) return;
    this.#sampleAspect = ratio;
    this.#shape();
    this.redraw();
  }

  /** The newest tracks, drawn or not. */
  get newest() {
    return this.#facts.newest;
  }

  /**
   * Play a new connection's stream. The old picture stays, as a still, until the first new one.
   * @param {MediaStream} stream
   */
  play(stream) {
    this.keep();
    this.#fresh = true;
    this.#presented = 0;
    this.video.srcObject = stream;
    this.resume();
  }

  /** Play, perhaps after the click that the browser wanted. */
  resume() {
    this.video.play().then(
      () => {
        this.blocked = false;
      },
      (error) => {
        // Any other error means that a newer stream took this one's place.
        this.blocked = error.name === "NotAllowedError";
      },
    );
  }

  /** Keep the picture on screen as a still, for the stream behind it is about to end. */
  keep() {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth === 0 || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#still.style.setProperty("--aspect", String(this.aspect));
    this.#still.width = videoWidth;
    this.#still.height = videoHeight;
    this.#still.getContext("2d")?.drawImage(this.video, 0, 0);
  }

  /** The connection is gone: forget its time stamps. */
  stop() {
    this.keep();
    this.video.srcObject = null;
    this.#rtpOffset = null;
    this.counters.lastPts = null;
    this.#clear();
  }

  /** @param {any} message of the data channel */
  message(message) {
    if (message?.type === "hello" && Number.isInteger(message.rtp_offset)) {
      this.#rtpOffset = message.rtp_offset;
      this.#facts.clear();
      return;
    }
    const fact = tracksFact(message);
    if (!fact) return; // another kind: not drawn here
    this.#facts.add(fact);
    const { lastPts } = this.counters;
    if (this.mode === "in-step" && !this.#exactNow && lastPts !== null && wrap(fact.pts) === lastPts) {
      this.counters.mended += 1;
      this.#exactNow = true;
      this.#draw(fact);
    }
  }

  /** Draw again: something else is to be shown. */
  redraw() {
    if (this.drawn) this.#draw(this.drawn);
  }

  #listen() {
    if ("requestVideoFrameCallback" in HTMLVideoElement.prototype) {
      const each = (/** @type {number} */ now, /** @type {VideoFrameCallbackMetadata} */ metadata) => {
        this.video.requestVideoFrameCallback(each);
        this.#picture(Math.max(now, metadata.expectedDisplayTime), metadata.rtpTimestamp, metadata.presentedFrames);
      };
      this.video.requestVideoFrameCallback(each);
      return;
    }
    let last = -1;
    const each = (/** @type {number} */ now) => {
      requestAnimationFrame(each);
      if (this.video.currentTime === last) return;
      last = this.video.currentTime;
      if (this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.#picture(now, undefined, 0);
    };
    requestAnimationFrame(each);
  }

  /**
   * @param {number} now when it is on screen, ms of performance.now()
   * @param {number | undefined} rtpTimestamp
   * @param {number} presented
   */
  #picture(now, rtpTimestamp, presented) {
    if (this.video.srcObject === null) return;
    const { counters } = this;
    counters.frames += 1;
    if (this.#presented > 0 && presented > this.#presented + 1) counters.skipped += presented - this.#presented - 1;
    this.#presented = presented;
    this.pictureAt = performance.now();
    if (this.#fresh) {
      this.#fresh = false;
      this.#still.width = 0;
    }
    this.mode = rtpTimestamp === undefined ? "newest" : "in-step";
    const known = rtpTimestamp !== undefined && this.#rtpOffset !== null;
    const pts = known ? ptsOf(rtpTimestamp, /** @type {number} */ (this.#rtpOffset)) : null;
    counters.lastPts = pts;
    this.#drawFor(pts);
    this.#onPicture(pts, now);
  }

  /** @param {number | null} pts */
  #drawFor(pts) {
    const { counters } = this;
    const newest = this.#facts.newest;
    if (newest === null || (this.mode === "in-step" && pts === null)) {
      counters.waiting += 1;
      this.#clear();
      return;
    }
    const { fact, exact } = pts === null ? { fact: newest, exact: false } : this.#facts.forPicture(pts);
    this.#exactNow = exact;
    if (exact) counters.exact += 1;
    else if (fact) counters.late += 1;
    else counters.missing += 1;
    if (fact) this.#draw(fact);
    else this.#clear();
  }

  /** @param {TracksFact} fact */
  #draw(fact) {
    this.#clear();
    this.drawn = fact;
    if (this.#width === 0 || this.#height === 0) return;
    const { videoWidth, videoHeight } = this.video;
    const picture = contain(this.#width, this.#height, videoWidth * this.#sampleAspect, videoHeight);
    const history = this.#shown.trails ? this.#facts.before(fact.pts, TRAIL_S, TRAIL_STEP_S) : [];
    drawTracks(this.#context, picture, fact, history, this.#shown);
  }

  #shape() {
    if (this.aspect !== null) this.video.style.setProperty("--aspect", String(this.aspect));
  }

  #clear() {
    this.drawn = null;
    this.#context.clearRect(0, 0, this.#width, this.#height);
  }

  /** @param {{width: number, height: number}} size */
  #resize({ width, height }) {
    const ratio = devicePixelRatio;
    this.#width = width;
    this.#height = height;
    this.#overlay.width = Math.round(width * ratio);
    this.#overlay.height = Math.round(height * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.redraw();
  }
}
