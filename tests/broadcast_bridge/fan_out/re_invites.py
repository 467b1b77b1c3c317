"""A re-INVITE that names the port of the fan-out, and the answers to it."""

PORT = 20998


def invite(branch: str, port: int = PORT) -> bytes:
    return (
        f"INVITE sip:s@h SIP/2.0\r\nVia: SIP/2.0/UDP h:1;rport;branch={branch}\r\nCSeq: 2 INVITE\r\n\r\n"
        f"v=0\r\nm=audio {port} RTP/AVP 8\r\n"
    ).encode()


def answer(status: int, branch: str, method: str = "INVITE") -> bytes:
    via = f"v: SIP/2.0/UDP h:1;received=h;branch={branch}"
    return f"SIP/2.0 {status} Reason\r\n{via}\r\nCSeq: 2 {method}\r\n\r\n".encode()
