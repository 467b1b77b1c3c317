"""Bodies that are too large, at a real web process: refused by what they declare, cut off when they say nothing."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from admin.access import sessions
from admin.sounds.receiving import UploadTooLarge, receive
from haichieu.database import now
from haichieu.people import Account
from tests.admin.served import Served
from tests.builders.in_unit import case

TWO_GIGABYTES = 2_000_000_000
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
FORM = "multipart/form-data; boundary=x"
BEGINNING = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'


class Endless:
    """A stream that never ends, and counts what was taken of it."""

    taken = 0

    def read(self, size: int) -> bytes:
        self.taken += size
        return bytes(size)


def resident(pid: int) -> int:
    """Bytes of memory of a process and its children."""
    own = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(own.split()[1]) * 1024 + sum(resident(int(child)) for child in children)


def connect(station: Served, path: str, email: str, *headers: str) -> socket.socket:
    where = urlsplit(station.address)
    connection = socket.create_connection((where.hostname or "", where.port or 0), timeout=20)
    with station.house.database.session() as session:
        account = session.query(Account).filter_by(email=email).one()
        proof = sessions.begin(session, account, "127.0.0.1", "test", now())[0]
    head = [f"POST {path} HTTP/1.1", "Host: x", f"Cookie: haichieu={proof}", "Accept: application/problem+json"]
    connection.sendall("\r\n".join([*head, *headers, "", ""]).encode())
    return connection


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(200).split()[1])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/programmes/uploads?title=X&unit=2", "application/octet-stream"),
        ("/cases/{case}/notes", FORM),
        ("/speakers/import", FORM),
        ("/calendar/import", FORM),
        ("/account/password", "application/x-www-form-urlencoded"),
        ("/login", "application/x-www-form-urlencoded"),
    ],
)
def test_two_gigabytes_are_refused_before_they_are_sent(station: Served, path: str, kind: str) -> None:
    path = path.format(case=case(station.house, "commune"))
    headers = (f"Content-Type: {kind}", f"Content-Length: {TWO_GIGABYTES}")
    with connect(station, path, "admin@x.example", *headers) as connection:
        assert status_of(connection) in (400, 413)  # a body that is not read holds no form's token


def test_a_body_that_says_nothing_of_its_length_is_cut_off(station: Served) -> None:
    number = case(station.house, "commune")
    before = resident(station.pid)
    headers = (f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
    sent = 0
    with connect(station, f"/cases/{number}/notes", "operator@x.example", *headers) as connection:
        try:
            connection.sendall(f"{len(BEGINNING):x}\r\n".encode() + BEGINNING + b"\r\n")
            while sent < TWO_GIGABYTES:
                connection.sendall(CHUNK)
                sent += len(CHUNK)
        except OSError:
            pass
    assert sent < 60_000_000
    assert resident(station.pid) - before < 60_000_000


def test_an_upload_that_lies_about_its_length_is_cut_off(tmp_path: Path) -> None:
    for declared in (None, 1000):
        stream = Endless()
        with pytest.raises(UploadTooLarge):
            receive(stream, declared, tmp_path / "upload", 3_000_000)  # type: ignore[arg-type]
        assert stream.taken < 5_000_000
        assert (tmp_path / "upload").stat().st_size <= 3_000_000
    stream = Endless()
    with pytest.raises(UploadTooLarge):
        receive(stream, TWO_GIGABYTES, tmp_path / "declared", 3_000_000)  # type: ignore[arg-type]
    assert (stream.taken, (tmp_path / "declared").exists()) == (0, False)
