"""An Asterisk with nothing of ours in it: four static accounts and a dialplan that calls loudspeakers."""

import asyncio
import contextlib
import signal
import socket
import subprocess
from pathlib import Path

from haichieu.process_control import end_with_parent
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings

ACCOUNTS = ("phone-1", "phone-2", "cl-1", "cl-2")
PASSWORD = "mot-hai-ba"
START_SECONDS = 20.0

PJSIP = """
[global]
type=global
endpoint_identifier_order=username,ip
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{port}
"""
ACCOUNT = """
[{name}]
type=endpoint
aors={name}
auth={name}
context=phones
disallow=all
allow=alaw,ulaw
direct_media=no
[{name}]
type=auth
auth_type=userpass
username={name}
password={password}
[{name}]
type=aor
max_contacts=1
remove_existing=yes
minimum_expiration=5
"""
EXTENSIONS = """
[phones]
exten => one,1,Dial(PJSIP/cl-1)
exten => emergency,1,Dial(PJSIP/cl-1,,b(urgent^s^1))
[urgent]
exten => s,1,Set(PJSIP_HEADER(add,Priority)=emergency)
 same => n,Return()
"""


class PlainAsterisk:
    """Started, killed and started again at the same port."""

    def __init__(self, folder: Path) -> None:
        self._installation = find_or_fetch(load_settings())
        self._configuration = folder / "etc" / "asterisk.conf"
        self._process: asyncio.subprocess.Process | None = None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = f"127.0.0.1:{self.port}"
        self._write(folder)

    async def start(self) -> None:
        """Start it and wait until it answers SIP."""
        self._process = await asyncio.create_subprocess_exec(
            *(*self._installation.argv, "-f", "-C", str(self._configuration)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent,
        )
        await asyncio.to_thread(self._wait_for_sip)

    async def kill(self) -> None:
        """End it as a crash would."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    def forget_registrations(self) -> None:
        """Lose what it wrote down about who is where."""
        for file in (self._configuration.parent.parent / "lib").glob("astdb*"):
            file.unlink()

    def _wait_for_sip(self) -> None:
        question = (
            f"OPTIONS sip:{self.server} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{{me}};rport;branch=z9hG4bK{{me}}\r\n"
            "From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:test@127.0.0.1>\r\nCall-ID: {me}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        for _ in range(int(START_SECONDS / 0.2)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(TimeoutError):
                probe.bind(("127.0.0.1", 0))
                probe.settimeout(0.2)
                probe.sendto(question.format(me=probe.getsockname()[1]).encode(), ("127.0.0.1", self.port))
                probe.recv(4096)
                return
        raise TimeoutError("Asterisk does not answer SIP")

    def _write(self, folder: Path) -> None:
        for name in ("etc", "lib", "log", "run", "spool/recording"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        places = {
            "astetcdir": folder / "etc",
            "astmoddir": self._installation.modules,
            "astdatadir": self._installation.data,
            "astrundir": folder / "run",
            "astlogdir": folder / "log",
            "astspooldir": folder / "spool",
            **dict.fromkeys(("astvarlibdir", "astdbdir", "astkeydir", "astagidir"), folder / "lib"),
        }
        accounts = "".join(ACCOUNT.format(name=name, password=PASSWORD) for name in ACCOUNTS)
        files = {
            "asterisk.conf": "[directories]\n" + "".join(f"{name} => {path}\n" for name, path in places.items()),
            "modules.conf": "[modules]\nautoload=yes\nnoload=chan_iax2.so\nnoload=res_musiconhold.so\n",
            "http.conf": "[general]\nenabled=no\n",
            "rtp.conf": "[general]\nrtpstart=17000\nrtpend=18999\n",
            "pjsip.conf": PJSIP.format(port=self.port) + accounts,
            "extensions.conf": EXTENSIONS,
        }
        for name, text in files.items():
            (folder / "etc" / name).write_text(text)
