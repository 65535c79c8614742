/** The console: a wall of all cameras, and any of them alone (its id is in the address after #). */

import { App } from "./app.js";
import { setText } from "./dom.js";

const app = new App({ href: (camera) => `#${encodeURIComponent(camera)}`, act });

/** @param {import("./keys.js").Action} action */
function act(action) {
  if (action === "open") {
    // Where something has the focus, Enter is its own.
    const { current } = app.wall;
    if (document.activeElement !== document.body || !current || app.wall.alone !== null) return false;
    current.handle.click();
    return true;
  }
  if (action === "back") {
    if (app.wall.alone === null) return false;
    history.pushState(null, "", location.pathname);
    follow();
    return true;
  }
  const tile = app.wall.towards(action);
  if (!tile) return false;
  if (app.wall.alone !== null) {
    history.replaceState(null, "", `#${encodeURIComponent(tile.camera)}`);
    follow();
  }
  tile.handle.focus();
  return true;
}

/** Show what the address says. */
function follow() {
  const before = app.wall.alone;
  const camera = decode(location.hash.slice(1));
  app.wall.show(camera);
  app.reflect();
  document.querySelector("#watch")?.setAttribute("href", `/watch/${encodeURIComponent(camera ?? "")}`);
  const title = camera === null ? "Touchline" : `${app.wall.tiles.get(camera)?.status?.name ?? camera} · Touchline`;
  if (document.title !== title) document.title = title;
  setText(/** @type {Element} */ (document.querySelector("h1")), camera === null ? "All cameras" : "One camera");
  const tile = app.wall.tiles.get(camera ?? before ?? "");
  if (camera !== before && tile) tile.handle.focus();
}

/** @param {string} text */
function decode(text) {
  try {
    return text ? decodeURIComponent(text) : null;
  } catch {
    return null; // a mangled address: all cameras
  }
}

addEventListener("hashchange", follow);
addEventListener("popstate", follow);
follow();
app.start();
