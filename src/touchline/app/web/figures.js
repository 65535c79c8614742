/** Numbers as a control room reads them. Pure. */

/** @param {number} hertz */
export function rate(hertz) {
  return hertz.toFixed(hertz >= 99.5 ? 0 : 1).replace(/\.0$/, "");
}

/** @param {number} count */
export function count(count) {
  return count.toLocaleString("en-GB");
}

/** @param {number | null} ms */
export function millis(ms) {
  if (ms === null) return "–";
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms)} ms`;
}

/**
 * @param {number} part
 * @param {number} whole
 */
export function percent(part, whole) {
  if (whole === 0) return "–";
  const value = (100 * part) / whole;
  return value === 100 ? "100 %" : value > 99.9 ? "99.9 %" : `${value.toFixed(1)} %`;
}
