/** Why a viewer's connection is not there, in words that say what to do. Pure. */

/**
 * `kind`: `unsupported` (this browser cannot), `unreachable` (no answer), `refused` (the box said no), `path` (no way
 * for the media), `lost` (it was there), `no-picture` (it is there and nothing comes).
 * @typedef {{kind: string, what: string, remedy: string}} Failure
 */

/**
 * The box answered an offer with an error.
 * @param {number} status of HTTP
 * @param {string} detail the box's own words, perhaps none
 * @returns {Failure}
 */
export function refused(status, detail) {
  // The box's words on this are for who writes a player; a viewer can but take another browser.
  if (status === 406) {
    const remedy = "Use Chrome, Edge or Safari. Firefox needs its OpenH264 plug-in: Add-ons and themes, Plug-ins.";
    return { kind: "unsupported", what: "This browser plays no H.264 by WebRTC.", remedy };
  }
  const words = detail.trim();
  const [what, remedy] = splitRemedy(words || `The box refused with HTTP status ${status}`);
  /** @type {Record<number, string>} */
  const remedies = {
    404: "Check the camera's id in venue.toml; the console lists all cameras.",
    503: "Close a viewer elsewhere, or raise max_viewers in venue.toml.",
  };
  return { kind: "refused", what, remedy: remedy || (remedies[status] ?? "Look at the box's log.") };
}

/**
 * No pair of candidates worked. Names what was tried.
 * @param {Iterable<string>} local types of this browser's candidates: host, srflx, relay
 * @param {Iterable<string>} remote types of the box's
 * @param {Iterable<string>} hosts addresses that the box offered
 * @param {boolean} [named] whether venue.toml names a relay
 * @returns {Failure}
 */
export function noPath(local, remote, hosts, named = false) {
  const mine = new Set(local);
  const theirs = new Set(remote);
  const onlyHost = !mine.has("srflx") && !mine.has("relay") && !theirs.has("srflx") && !theirs.has("relay");
  const tried = `this browser tried ${list(mine)}, the box offered ${list(theirs)}${addresses([...hosts])}`;
  const relayed = mine.has("relay") || theirs.has("relay");
  if (relayed || named) {
    const how = relayed ? "not even by relay" : "and the relay gave no address";
    const remedy = "Check that the relay (TURN) runs, and its name and password in venue.toml under [webrtc].";
    return { kind: "path", what: `No UDP path to this box, ${how}: ${tried}.`, remedy };
  }
  const remedy = onlyHost
    ? "Open UDP between here and the box, or configure TURN in venue.toml under [webrtc]."
    : "Configure TURN in venue.toml under [webrtc]: the networks between let no UDP through.";
  const kinds = onlyHost ? "host candidates only" : "no relay";
  return { kind: "path", what: `No UDP path to this box (${kinds}): ${tried}.`, remedy };
}

/**
 * An error as the box writes it, "what; what to do", in its two parts.
 * @param {string} text
 * @returns {[string, string]}
 */
export function splitRemedy(text) {
  const at = text.lastIndexOf("; ");
  if (at < 0) return [text, ""];
  const remedy = text.slice(at + 2);
  return [text.slice(0, at), remedy.charAt(0).toUpperCase() + remedy.slice(1)];
}

/** @param {Set<string>} types */
function list(types) {
  return types.size === 0 ? "no candidates" : [...types].sort().join(" and ");
}

/** @param {string[]} hosts */
function addresses(hosts) {
  const some = [...new Set(hosts)].slice(0, 3);
  return some.length === 0 ? "" : ` (${some.join(", ")}${hosts.length > 3 ? ", …" : ""})`;
}
