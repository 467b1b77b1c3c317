"""Hundreds of loudspeakers: SIPp answers their calls, and one small client registers them all."""

import contextlib
import hashlib
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_OK = """<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
{to}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 {version} IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {rtp_port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
"""
"""A session description with the port of the sound, in answer to an INVITE or a re-INVITE."""


def _answered(to: str, version: int) -> str:
    return _OK.replace("{to}", to).replace("{version}", str(version))


ANSWER = f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="loudspeaker">
<recv request="INVITE"/>
{_answered("[last_To:];tag=[pid]SIPp[call_number]", 1)}<recv request="ACK"/>
<label id="1"/>
<recv request="BYE" optional="true" next="2"/>
<recv request="INVITE"/>
{_answered("[last_To:]", 2)}<recv request="ACK" next="1"/>
<label id="2"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"""


@contextlib.contextmanager
def answering(folder: Path, sip_port: int, rtp_port: int) -> Iterator[None]:
    """Run a SIPp that answers every call at `sip_port` and has its sound sent to `rtp_port`."""
    scenario = folder / "loudspeaker.xml"
    scenario.write_text(ANSWER.replace("{rtp_port}", str(rtp_port)))
    with subprocess.Popen(
        ["sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", str(sip_port), "-nostdin"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
    ) as sipp:  # fmt: skip
        try:
            yield
        finally:
            sipp.kill()


def register_all(server: tuple[str, int], names: Sequence[str], password: str) -> int:
    """Register speakers from one port and return it: the station calls them back where they registered from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.settimeout(3)
        for name in names:
            _register(client, server, name, password)
        port: int = client.getsockname()[1]
        return port


def _register(client: socket.socket, server: tuple[str, int], name: str, password: str) -> None:
    """Register one speaker with digest authentication (RFC 3261 §10, RFC 2617)."""
    uri, here = f"sip:{server[0]}:{server[1]}", f"127.0.0.1:{client.getsockname()[1]}"
    authorization = answer = ""
    for sequence in (1, 2):
        lines = [
            f"REGISTER {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};rport;branch=z9hG4bK{name}{sequence}",
            f"From: <sip:{name}@{server[0]}>;tag={name}",
            f"To: <sip:{name}@{server[0]}>",
            f"Call-ID: {name}@{here}",
            f"CSeq: {sequence} REGISTER",
            f"Contact: <sip:{name}@{here}>",
            "Max-Forwards: 70",
            "Expires: 600",
            "Content-Length: 0",
        ]
        client.sendto("\r\n".join([*lines, *([authorization] if authorization else []), "", ""]).encode(), server)
        answer = client.recv(4096).decode()
        if answer.startswith("SIP/2.0 200"):
            return
        challenge = dict(re.findall(r'(\w+)="?([^",\r\n]+)', answer.split("WWW-Authenticate:")[1].splitlines()[0]))
        first, second = _md5(f"{name}:{challenge['realm']}:{password}"), _md5(f"REGISTER:{uri}")
        digest = _md5(f"{first}:{challenge['nonce']}:00000001:bench:auth:{second}")
        authorization = (
            f'Authorization: Digest username="{name}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", '
            f'uri="{uri}", response="{digest}", algorithm=MD5, qop=auth, nc=00000001, cnonce="bench"'
        )
        if "opaque" in challenge:
            authorization += f', opaque="{challenge["opaque"]}"'
    raise ConnectionError(f"{name} was not registered: {answer.splitlines()[0]}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_megabytes(pid: int) -> float:
    """The memory of a process; what several share is counted once among them (PSS)."""
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
