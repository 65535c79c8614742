/** One WHEP session: an offer out, an answer in, the picture and the facts until it is closed or lost. */

import { BoxError, iceServers, why } from "./api.js";
import { candidatesIn, fragment, pathIn } from "./candidates.js";
import { noPath, refused } from "./failure.js";
import { Slots } from "./slots.js";

/** @typedef {import("./failure.js").Failure} Failure */

/**
 * @typedef {object} Handlers
 * @property {(phase: "opening" | "path" | "waiting") => void} phase
 * @property {(stream: MediaStream) => void} stream
 * @property {(message: any) => void} message of the data channel, parsed
 * @property {() => void} closing once, while the last picture is still there
 * @property {(failure: Failure) => void} failed once at most, after `closing`
 */

/** Offers go out with what was gathered by then; later candidates trickle. ms */
const GATHER_MS = 300;
const ANSWER_MS = 12_000;
const PATH_MS = 15_000;
/** A path that fell silent may come back by itself. ms */
const SILENT_MS = 4000;
const LEAVE_MS = 2000;

/** `?relay` in the page's address: no other way than the relay is tried, to see whether that one works. */
const RELAY_ONLY = new URLSearchParams(globalThis.location?.search).has("relay");

/** A browser opens six connections to a box. Two stay free for its health. */
const slots = new Slots(4);

export class WhepSession {
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  #camera;
  #on;
  #closed = false;
  #connected = false;
  #abort = new AbortController();
  /** @type {string | null} */
  #location = null;
  /** @type {RTCIceCandidate[]} */
  #late = [];
  #gathered = false;
  /** Whether the box names a relay. */
  #relay = false;
  #sending = false;
  /** @type {Set<string>} */
  #tried = new Set();
  /** @type {{types: Set<string>, addresses: Set<string>}} */
  #offered = { types: new Set(), addresses: new Set() };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} camera
   * @param {Handlers} handlers
   */
  constructor(camera, handlers) {
    this.#camera = camera;
    this.#on = handlers;
    void this.#open();
  }

  /** Leave. The box hears of it. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#on.closing();
    clearTimeout(this.#timer);
    this.#abort.abort();
    void leave(this.#location, this.#pc);
  }

  /** What the browser counts, or null before there is a connection. */
  async stats() {
    return this.#pc && !this.#closed ? this.#pc.getStats() : null;
  }

  /** The path in use. */
  async path() {
    const stats = await this.stats();
    return stats ? pathIn(stats) : null;
  }

  async #open() {
    if (typeof RTCPeerConnection === "undefined") {
      const remedy = "Use a current Chrome, Edge, Firefox or Safari, and let no extension switch WebRTC off.";
      this.#fail({ kind: "unsupported", what: "This browser has no WebRTC.", remedy });
      return;
    }
    this.#on.phase("opening");
    const release = await slots.take();
    try {
      if (this.#closed) return;
      const pc = this.#prepare(await iceServers());
      if (pc) await this.#negotiate(pc);
    } catch (error) {
      if (this.#closed) return;
      if (!(error instanceof BoxError)) throw error;
      const remedy = "Check that touchline runs and that this browser reaches it.";
      this.#fail({ kind: "unreachable", what: `No answer from the box: ${error.message}.`, remedy });
    } finally {
      release();
    }
  }

  /** @param {RTCIceServer[]} servers */
  #prepare(servers) {
    if (this.#closed) return null;
    this.#relay = servers.some(({ urls }) => /^turns?:/.test(String(urls)));
    const iceTransportPolicy = RELAY_ONLY ? "relay" : "all";
    const pc = new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle", iceTransportPolicy });
    this.#pc = pc;
    pc.addTransceiver("video", { direction: "recvonly" });
    const channel = pc.createDataChannel("facts", { ordered: false, maxRetransmits: 0 });
    channel.onmessage = ({ data }) => {
      const message = parse(data);
      if (message !== null && !this.#closed) this.#on.message(message);
    };
    // A box that goes down closes its channels first; the path is missed only seconds later.
    channel.onclose = () => {
      if (this.#connected && !this.#closed) this.#lost();
    };
    pc.ontrack = ({ track, streams }) => this.#on.stream(streams[0] ?? new MediaStream([track]));
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) {
        if (candidate.type) this.#tried.add(candidate.type);
        this.#late.push(candidate);
      }
      if (candidate === null) this.#gathered = true;
      void this.#trickle();
    };
    pc.onconnectionstatechange = () => this.#connection(pc.connectionState);
    return pc;
  }

  /** @param {RTCPeerConnection} pc */
  async #negotiate(pc) {
    await pc.setLocalDescription();
    await gathering(pc, GATHER_MS);
    if (this.#closed) return;
    const offer = /** @type {RTCSessionDescription} */ (pc.localDescription).sdp;
    this.#late.length = 0; // the offer carries them
    const { location, answer } = await this.#post(offer);
    if (answer === null) return;
    this.#location = location;
    if (this.#closed) {
      void leave(location, pc);
      return;
    }
    this.#offered = candidatesIn(answer);
    try {
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
    } catch (error) {
      if (this.#closed) return;
      this.#fail({ kind: "refused", what: `The box's answer is not understood (${error}).`, remedy: "Update this browser, or the box." });
      return;
    }
    if (this.#closed) return;
    if (!this.#connected) {
      this.#on.phase("path");
      this.#timer = setTimeout(() => this.#noPath(), PATH_MS);
    }
    void this.#trickle();
  }

  /**
   * @param {string} offer
   * @returns {Promise<{location: string | null, answer: string | null}>}
   */
  async #post(offer) {
    const timer = setTimeout(() => this.#abort.abort(new DOMException("late", "TimeoutError")), ANSWER_MS);
    try {
      const response = await fetch(`/whep/${encodeURIComponent(this.#camera)}`, {
        method: "POST",
        headers: { "Content-Type": "application/sdp" },
        body: offer,
        signal: this.#abort.signal,
      });
      const text = await response.text();
      if (!response.ok) {
        this.#fail(refused(response.status, detail(text)));
        return { location: null, answer: null };
      }
      const location = response.headers.get("Location");
      return { location: location && new URL(location, response.url).href, answer: text };
    } catch (error) {
      throw new BoxError(why(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Send candidates that came after the offer, one request at a time. */
  async #trickle() {
    const pc = this.#pc;
    if (this.#sending || !this.#location || !pc || this.#closed || this.#connected || this.#late.length === 0) return;
    this.#sending = true;
    const batch = this.#late.splice(0);
    const sdp = /** @type {RTCSessionDescription} */ (pc.localDescription).sdp;
    try {
      await fetch(this.#location, {
        method: "PATCH",
        headers: { "Content-Type": "application/trickle-ice-sdpfrag" },
        body: fragment(sdp, batch, this.#gathered),
        signal: this.#abort.signal,
      });
    } catch {
      // Closed meanwhile, or the box is gone: either shows as a path that is not found.
    } finally {
      this.#sending = false;
    }
    void this.#trickle();
  }

  /** @param {RTCPeerConnectionState} state */
  #connection(state) {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    if (state === "connected") {
      const first = !this.#connected;
      this.#connected = true;
      if (first) this.#on.phase("waiting");
    } else if (state === "failed" || state === "closed") {
      if (this.#connected) this.#lost();
      else this.#noPath();
    } else if (state === "disconnected") {
      this.#timer = setTimeout(() => this.#lost(), SILENT_MS);
    } else {
      this.#timer = setTimeout(() => this.#noPath(), PATH_MS);
    }
  }

  #noPath() {
    this.#fail(noPath(this.#tried, this.#offered.types, this.#offered.addresses, this.#relay));
  }

  #lost() {
    const remedy = "Check the network between here and the box.";
    this.#fail({ kind: "lost", what: "The connection to the box was lost.", remedy });
  }

  /** @param {Failure} failure */
  #fail(failure) {
    if (this.#closed) return;
    this.close();
    this.#on.failed(failure);
  }
}

/**
 * Say good-bye first, then hang up: the other way round the box knows nobody by that name any more.
 * @param {string | null} location
 * @param {RTCPeerConnection | null} pc
 */
async function leave(location, pc) {
  try {
    if (location) await fetch(location, { method: "DELETE", keepalive: true, signal: AbortSignal.timeout(LEAVE_MS) });
  } catch {
    // Should it get lost, the box notices the silence.
  } finally {
    pc?.close();
  }
}

/**
 * Wait until all candidates are there, `most` ms at the longest.
 * @param {RTCPeerConnection} pc
 * @param {number} most
 */
function gathering(pc, most) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      pc.removeEventListener("icegatheringstatechange", check);
      resolve(undefined);
    };
    const check = () => {
      if (pc.iceGatheringState === "complete" || pc.signalingState === "closed") done();
    };
    const timer = setTimeout(done, most);
    pc.addEventListener("icegatheringstatechange", check);
    check();
  });
}

/** @param {unknown} data */
function parse(data) {
  if (typeof data !== "string") return null;
  try {
    return JSON.parse(data);
  } catch {
    return null; // another version's message: not ours to understand
  }
}

/** @param {string} body of an error: FastAPI's {"detail": …} or text */
function detail(body) {
  try {
    const parsed = JSON.parse(body);
    return typeof parsed?.detail === "string" ? parsed.detail : "";
  } catch {
    return body.startsWith("<") ? "" : body.slice(0, 300);
  }
}
