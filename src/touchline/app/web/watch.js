/** The viewer: one camera and nothing else. */

import { App } from "./app.js";

const camera = decodeURIComponent(location.pathname.replace(/^.*\/watch\//, "").replace(/\/$/, ""));

const app = new App({
  href: () => null,
  wanted: (id) => id === camera,
  roams: false,
  act: (action) => {
    if (action !== "back") return false;
    location.assign("/");
    return true;
  },
});

document.title = `${camera} · Touchline`;
app.wall.show(camera);
app.start();
