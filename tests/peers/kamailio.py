"""Kamailio as a carrier: a registrar that asks for a digest, and a proxy that calls the registered contact."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from haichieu.demo.trial_station import LOOPBACK, until
from tests.peers.programs import started

USERNAME, PASSWORD, REALM = "baolac-206", "a-password-of-the-carrier", "carrier.invalid"

_CONFIGURATION = """
#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
tcp_children=1
listen=udp:{bind}:{port}
listen=tcp:{bind}:{port}
{tls}
alias="{realm}"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "xlog.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "method_filtering", 0)

request_route {{
  if (!mf_process_maxfwd_header("10")) {{ exit; }}
  if (is_method("OPTIONS") && uri==myself) {{ sl_send_reply("200", "OK"); exit; }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
  if (has_totag()) {{
    if (loose_route() || is_method("ACK")) {{ t_relay(); }} else {{ sl_send_reply("404", "Gone"); }}
    exit;
  }}
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("{realm}", "{password}", "0")) {{ auth_challenge("{realm}", "0"); exit; }}
    if ($au != "{username}") {{ sl_send_reply("403", "Forbidden"); exit; }}
    consume_credentials();
    save("location");
    xlog("L_ALERT", "SAVED $ct\\n");
    exit;
  }}
  record_route();
  # A call of a subscriber of the carrier to the number of the account.
  $ru = "sip:{username}@{realm}";
  if (!lookup("location")) {{ sl_send_reply("404", "Not registered"); exit; }}
  t_relay();
}}
"""


_TLS = """
enable_tls=yes
listen=tls:{bind}:{port}
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{pem}")
modparam("tls", "private_key", "{pem}")
"""


class Kamailio:
    """The running carrier."""

    def __init__(self, log: Path, port: int) -> None:
        self.log, self.port = log, port

    @property
    def server(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    async def registered(self) -> None:
        """Wait for a registration."""
        await until(lambda: "SAVED" in self.log.read_text(errors="replace"), "a registration at the carrier", 15)


@asynccontextmanager
async def kamailio(
    folder: Path, port: int, *, password: str = PASSWORD, bind: str = LOOPBACK, tls: tuple[int, Path] | None = None
) -> AsyncIterator[Kamailio]:
    """Run a carrier on a port of loopback, by UDP and TCP. It accepts USERNAME with `password`.

    `tls` is a port for TLS, and a PEM file with its certificate and key.
    """
    configuration = folder / "kamailio.cfg"
    encrypted = _TLS.format(bind=bind, port=tls[0], pem=tls[1]) if tls else ""
    values = {"bind": bind, "port": port, "tls": encrypted}
    values |= {"realm": REALM, "username": USERNAME, "password": password}
    configuration.write_text(_CONFIGURATION.strip().format(**values))
    carrier = Kamailio(folder / "kamailio.log", port)
    with carrier.log.open("wb") as log:
        process = await started(
            *("/usr/sbin/kamailio", "-f", str(configuration), "-DD", "-E", "-m", "16", "-M", "4", "-Y", str(folder)),
            cwd=folder, output=log.fileno(),
        )  # fmt: skip
    try:
        yield carrier
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 15)
