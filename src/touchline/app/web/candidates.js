/** Candidates in SDP and what getStats says of the chosen pair. Pure. */

/**
 * Types and addresses of the candidates in a description.
 * @param {string} sdp
 * @returns {{types: Set<string>, addresses: Set<string>}}
 */
export function candidatesIn(sdp) {
  const types = new Set();
  const addresses = new Set();
  for (const match of sdp.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+) \d+ typ (\S+)/gm)) {
    addresses.add(match[1]);
    types.add(match[2]);
  }
  return { types, addresses };
}

/**
 * The body of a PATCH (RFC 8840) that carries further candidates.
 * @param {string} sdp the local description they belong to
 * @param {{candidate: string, sdpMid: string | null}[]} candidates
 * @param {boolean} end there will be no more
 */
export function fragment(sdp, candidates, end) {
  const value = (/** @type {string} */ name) => sdp.match(new RegExp(`^a=${name}:(.*)$`, "m"))?.[1].trim() ?? "";
  const lines = [`a=ice-ufrag:${value("ice-ufrag")}`, `a=ice-pwd:${value("ice-pwd")}`];
  const mid = candidates[0]?.sdpMid ?? value("mid");
  lines.push("m=video 9 UDP/TLS/RTP/SAVPF 0", `a=mid:${mid}`);
  for (const { candidate } of candidates) lines.push(`a=${candidate}`);
  if (end) lines.push("a=end-of-candidates");
  return lines.join("\r\n") + "\r\n";
}

/**
 * @typedef {object} Path
 * @property {"host" | "srflx" | "relay"} kind direct, through a NAT that STUN opened, or by a relay
 * @property {string} pair this browser's type and the box's, as the browser names them
 * @property {string} protocol
 */

/**
 * The path in use, or null while there is none.
 * @param {Map<string, any> | RTCStatsReport} stats
 * @returns {Path | null}
 */
export function pathIn(stats) {
  /** @type {any} */
  let pair = null;
  for (const entry of stats.values()) {
    if (entry.type === "transport" && entry.selectedCandidatePairId) pair = stats.get(entry.selectedCandidatePairId);
  }
  if (!pair) {
    // Firefox has no transport entry.
    for (const entry of stats.values()) {
      if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded") pair = entry;
    }
  }
  const local = pair && stats.get(pair.localCandidateId);
  const remote = pair && stats.get(pair.remoteCandidateId);
  if (!local || !remote) return null;
  const types = [local.candidateType, remote.candidateType];
  // A peer-reflexive candidate is an address that was learnt on the way: direct, unless the other side says else.
  const kind = types.includes("relay") ? "relay" : types.includes("srflx") ? "srflx" : "host";
  return { kind, pair: `${types[0]} → ${types[1]}`, protocol: local.protocol ?? "udp" };
}
