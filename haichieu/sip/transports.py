"""SIP transports of pjsua2: UDP, or TLS to a server whose certificate is checked before anything is sent."""

# mypy: allow-subclassing-any

from collections.abc import Callable
from typing import Any

from haichieu.sip.address import SocketAddress
from haichieu.sip.endpoint_events import ConnectionLost, ServerNotTrusted, SipEvent
from haichieu.sip.endpoint_options import EndpointOptions
from haichieu.sip.library import SipLibraryMissing
from haichieu.sip.server_trust import fingerprint_of_pem
from haichieu.sip.socket_filter import accept_no_connections, accept_only_from

try:
    import pjsua2 as pj
except ModuleNotFoundError as missing:
    raise SipLibraryMissing from missing


class SipLibrary(pj.Endpoint):
    """The library with one transport; it closes a TLS connection to a server that is not trusted."""

    def __init__(self, options: EndpointOptions, note: Callable[[SipEvent], None]) -> None:
        super().__init__()
        self._options = options
        self._note = note
        self._connected = False

    def open_transport(self) -> int:
        """Open the transport, and return its number. Raises pj.Error, NoSuchSocket."""
        config = pj.TransportConfig()
        config.port = self._options.port
        config.boundAddress = config.publicAddress = self._options.bind
        trust = self._options.trust
        if trust is None:
            number = int(self.transportCreate(pj.PJSIP_TRANSPORT_UDP, config))
            if self._options.only_from:
                accept_only_from(self._options.only_from, self.address_of(number))
            return number
        config.tlsConfig.proto = pj.PJ_SSL_SOCK_PROTO_TLS1_2
        if trust.authorities is not None:
            config.tlsConfig.verifyServer, config.tlsConfig.CaListFile = True, str(trust.authorities)
        number = int(self.transportCreate(pj.PJSIP_TRANSPORT_TLS, config))
        # The library listens as well, though calls come over the connection that we made.
        accept_no_connections(self.address_of(number))
        return number

    def address_of(self, transport: int) -> SocketAddress:
        """Return the local address of a transport."""
        return SocketAddress.parse(self.transportGetInfo(transport).localName)

    def protect(self, account: Any, transport: int) -> None:
        """Make an account use the transport only, and over TLS only encrypted sound (SRTP)."""
        account.sipConfig.transportId = transport
        if self._options.trust is not None:
            account.mediaConfig.srtpUse, account.mediaConfig.srtpSecureSignaling = pj.PJMEDIA_SRTP_MANDATORY, 1

    def onTransportState(self, prm: Any) -> None:  # noqa: N802
        """Check the server's certificate as soon as the connection is there: nothing has been sent yet."""
        trust = self._options.trust
        if trust is None or not prm.type.startswith("TLS"):
            return
        if prm.state == pj.PJSIP_TP_STATE_CONNECTED:
            found = fingerprint_of_pem(prm.tlsInfo.remoteCertInfo.raw)
            self._connected = trust.accepts(found)
            if not self._connected:
                self._note(ServerNotTrusted(found))
                self.transportShutdown(prm.hnd)
        elif prm.state == pj.PJSIP_TP_STATE_DISCONNECTED:
            if not prm.tlsInfo.isEmpty() and prm.tlsInfo.verifyStatus and trust.authorities is not None:
                self._note(ServerNotTrusted(fingerprint_of_pem(prm.tlsInfo.remoteCertInfo.raw)))
            elif self._connected:
                self._note(ConnectionLost())
            self._connected = False
