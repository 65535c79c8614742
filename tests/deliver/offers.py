"""Offers as browsers make them, shortened to what differs."""

from __future__ import annotations

_TRANSPORT = """\
a=ice-ufrag:VgVu
a=ice-pwd:j+mzdKom0xZ3hBZWpq70IKBx
a=ice-options:trickle
a=fingerprint:sha-256 \
5F:0B:E9:6A:3A:DC:90:E0:65:68:88:80:E0:63:5C:DA:35:D0:5E:57:3A:9F:90:5E:FF:7E:A9:EF:90:B5:2E:E1
a=setup:actpass
"""

CHROMIUM = f"""\
v=0
o=- 1234567890123456789 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 108 116 43
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3350409123 1 udp 2113937151 1a2b3c4d-0000-4000-8000-123456789abc.local 50000 typ host generation 0
a=candidate:3350409124 1 udp 1677729535 192.0.2.77 50001 typ srflx raddr 0.0.0.0 rport 0 generation 0
{_TRANSPORT}a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:toffset
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=recvonly
a=rtcp-mux
a=rtcp-mux-only
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=rtcp-fb:102 goog-remb
a=rtcp-fb:102 transport-cc
a=rtcp-fb:102 ccm fir
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:104 H264/90000
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:108 H264/90000
a=rtcp-fb:108 nack
a=rtcp-fb:108 nack pli
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:116 H264/90000
a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f
a=rtpmap:43 H264/90000
a=fmtp:43 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
{_TRANSPORT}a=mid:1
a=sctp-port:5000
a=max-message-size:262144
"""

WITH_AUDIO = CHROMIUM.replace("BUNDLE 0 1", "BUNDLE a 0 1").replace(
    "m=video",
    f"""\
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
{_TRANSPORT}a=mid:a
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
m=video""",
    1,
)
