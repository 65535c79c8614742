// The page's modules are plain .js without a package.json beside them; give node their type.
import { readFile } from "node:fs/promises";

const web = new URL("../../../src/touchline/app/web/", import.meta.url);
const made = new Map();

/** @param {string} name */
export async function load(name) {
  return import(await address(name));
}

async function address(name) {
  if (!made.has(name)) made.set(name, build(name));
  return made.get(name);
}

async function build(name) {
  let text = await readFile(new URL(name, web), "utf8");
  for (const [whole, dependency] of text.matchAll(/from "\.\/([\w-]+\.js)"/g)) {
    text = text.replace(whole, `from "${await address(dependency)}"`);
  }
  return `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
}
