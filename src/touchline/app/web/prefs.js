/** What this viewer wants to see, remembered in this browser. */

const KEY = "touchline.prefs";
const DEFAULTS = { boxes: true, numbers: true, trails: true, details: true, sensors: true };

/** @typedef {keyof typeof DEFAULTS} Pref */

export class Prefs extends EventTarget {
  /** @type {Record<Pref, boolean>} */
  #values = { ...DEFAULTS, ...read() };

  get boxes() {
    return this.#values.boxes;
  }
  get numbers() {
    return this.#values.numbers;
  }
  get trails() {
    return this.#values.trails;
  }
  get details() {
    return this.#values.details;
  }
  get sensors() {
    return this.#values.sensors;
  }

  /** @param {Pref} name */
  toggle(name) {
    this.#values[name] = !this.#values[name];
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#values));
    } catch {
      // A browser that keeps nothing: the choice holds until the page is closed.
    }
    this.dispatchEvent(new Event("change"));
  }
}

/** @returns {Partial<Record<Pref, boolean>>} what is stored and makes sense */
function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return Object.fromEntries(Object.keys(DEFAULTS).filter((k) => typeof stored?.[k] === "boolean").map((k) => [k, stored[k]]));
  } catch {
    return {};
  }
}
