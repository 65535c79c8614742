/** Keys → what they do. */

/**
 * @typedef {"boxes" | "numbers" | "trails" | "details" | "sensors" | "full" | "help" | "back" | "retry" | "open" | "problem" |
 *   "left" | "right" | "up" | "down" | "home" | "end"} Action
 */

/** @type {Record<string, Action>} */
const ACTIONS = {
  b: "boxes",
  n: "numbers",
  t: "trails",
  i: "details",
  s: "sensors",
  f: "full",
  p: "problem",
  r: "retry",
  "?": "help",
  Enter: "open",
  Escape: "back",
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "home",
  End: "end",
};

/** For the card that `?` opens: [keys, what they do]. @type {[string[], string][]} */
export const CARD = [
  [["←", "↑", "→", "↓"], "From tile to tile; in the single view, the camera before or after"],
  [["Home", "End"], "First and last tile"],
  [["Enter"], "One camera alone"],
  [["Esc"], "Back to all cameras"],
  [["b"], "Boxes on or off"],
  [["n"], "Numbers on or off"],
  [["t"], "Trails on or off"],
  [["i"], "Details of the single view on or off"],
  [["s"], "Sensors on or off, where the venue has some"],
  [["p"], "Next camera that is stale, failed or reconnecting"],
  [["r"], "Connect this tile now rather than later"],
  [["f"], "Full screen"],
  [["?"], "These keys"],
];

/**
 * What a key press asks for, or null. Keys with Ctrl, Alt or Meta are the browser's.
 * @param {{key: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean}} event
 * @returns {Action | null}
 */
export function actionOf({ key, ctrlKey, altKey, metaKey }) {
  if (ctrlKey || altKey || metaKey) return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : null;
}
