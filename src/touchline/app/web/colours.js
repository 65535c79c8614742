/**
 * A colour for each track, the same for a number wherever it is drawn. Seven hues that stay apart under the
 * common kinds of colour blindness (after Okabe and Ito's set, lightened to stand on a dark halo over grass).
 */
const COLOURS = ["#56b4e9", "#f5a623", "#f0e442", "#e58fc2", "#ff7a45", "#7fe0c3", "#c3b1ff"];

/** @param {number} id */
export function colourOf(id) {
  return COLOURS[((id % COLOURS.length) + COLOURS.length) % COLOURS.length];
}
