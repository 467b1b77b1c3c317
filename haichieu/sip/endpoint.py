"""SIP endpoint of this process: registers, calls, texts, plays, records. Only this module and `messaging` use pjsua2.

Everything happens in the thread that calls `poll`, except sound, which pjsua2's clock thread produces and consumes. Its
callbacks only note events, since an exception in one would abort the process. Only one endpoint may exist at a time.

    SipError
    ├── EndpointNotStarted    the address or port cannot be used
    └── CallFailed            a call could not be placed, or has ended
"""

# mypy: allow-subclassing-any

import contextlib
import ctypes
import gc
import itertools
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any

from haichieu.errors import HaiChieuError
from haichieu.process_control import run_in_real_time
from haichieu.sip.address import SocketAddress
from haichieu.sip.endpoint_events import (
    Answered,
    DigitHeard,
    Ended,
    Incoming,
    Invite,
    Registered,
    RegistrationFailed,
    Ringing,
    SipEvent,
    Unregistered,
)
from haichieu.sip.endpoint_options import CODECS, EndpointOptions
from haichieu.sip.frames import FRAMES_A_SECOND, HeardFrame, Playing
from haichieu.sip.library import SipLibraryMissing
from haichieu.sip.messaging import TextingAccount
from haichieu.sip.socket_filter import NoSuchSocket, accept_only_from
from haichieu.sip.transports import SipLibrary

try:
    import pjsua2 as pj
except ModuleNotFoundError as missing:
    raise SipLibraryMissing from missing

_RTP_PORTS, _HEARD_AT_MOST, _FAREWELL_SECONDS = (32768, 60000), 120 * FRAMES_A_SECOND, 2.0


class SipError(HaiChieuError):
    """A SIP endpoint could not perform an operation."""


class EndpointNotStarted(SipError):
    """The local address or port cannot be used."""


class CallFailed(SipError):
    """A call could not be placed, or ended before it could be acted on."""


class SipEndpoint:
    """A SIP phone without an interface; a context manager that starts and ends the SIP library."""

    def __init__(self, options: EndpointOptions) -> None:
        self.options = options
        self.rate = 16000 if "g722" in options.codecs else 8000
        """Sample rate of everything played and received."""
        self._events: deque[SipEvent] = deque()
        self._calls: dict[int, _Call] = {}
        self._gone: list[int] = []
        self._numbers = itertools.count(1)
        self._library = SipLibrary(options, self._note)
        self._registered = False

    def __enter__(self) -> "SipEndpoint":
        run_in_real_time()
        try:
            self._start()
        except pj.Error as problem:
            self._library.libDestroy()
            at = f"{self.options.bind}:{self.options.port}"
            raise EndpointNotStarted("sip.not_started", address=at, why=problem.reason) from problem
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Hang up, unregister, and take the library down in the one order it survives."""
        deadline = time.monotonic() + _FAREWELL_SECONDS
        for call in list(self._calls):
            self.hang_up(call)
        if self._registered:
            self._account.setRegistration(False)
        while (self._calls or self._registered) and time.monotonic() < deadline:
            self.poll(0.02)
        self._calls.clear()
        self._account.forget_addressees()
        self._account.shutdown()
        del self._account
        gc.collect()
        self._library.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)
        # Until here the clock thread calls the port, and from here on its destructor has no library to call.
        self._sound.this.disown()

    def poll(self, seconds: float) -> list[SipEvent]:
        """Run the library for at most `seconds` and return the events."""
        for ended in self._gone:
            self._calls.pop(ended, None)
        self._gone.clear()
        self._library.libHandleEvents(int(seconds * 1000))
        events = list(self._events)
        self._events.clear()
        self._gone.extend(event.call for event in events if isinstance(event, Ended))
        return events

    def register(self, server: SocketAddress) -> None:
        """Register with `server`, at once and from then on; the outcome comes as an event.

        After a RegistrationFailed the caller decides when to try again, by calling this again.
        """
        config = self._account_config()
        config.idUri = f"sip:{self.options.user}@{server.ip}"
        config.regConfig.registrarUri = f"sip:{server}{self.options.uri_parameters}"
        config.regConfig.timeoutSec = self.options.expires
        config.regConfig.retryIntervalSec = 0
        config.regConfig.registerOnAdd = False
        config.regConfig.disableRegOnModify = True
        config.regConfig.unregWaitMsec = int(_FAREWELL_SECONDS * 1000)
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", self.options.user, 0, self.options.password))
        try:
            self._account.modify(config)
            self._account.setRegistration(True)
        except pj.Error as problem:
            self._events.append(RegistrationFailed(0, problem.reason))

    def call(self, uri: str, headers: Mapping[str, str] | None = None) -> int:
        """Place a call and return its number. Raises CallFailed."""
        parameters = _call_parameters()
        for name, value in (headers or {}).items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            parameters.txOption.headers.append(header)
        call = _Call(self._account, next(self._numbers), self._note, self._sound)
        try:
            call.makeCall(uri, parameters)
        except pj.Error as problem:
            raise CallFailed("sip.cannot_call", uri=uri, why=problem.reason) from problem
        self._calls[call.number] = call
        return call.number

    def text(self, uri: str, text: str) -> None:
        """Send a text message; a TextAnswered event reports the result."""
        self._account.text(uri, text)

    def answer(self, call: int) -> None:
        """Answer an incoming call. Raises CallFailed when the caller has given up."""
        self._reply(call, 200)

    def ring(self, call: int) -> None:
        """Tell the caller that it rings. Raises CallFailed when the caller has given up."""
        self._reply(call, 180)

    def refuse(self, call: int, code: int = 486) -> None:
        """Refuse an incoming call with a SIP status; a call that is gone already is no error."""
        try:
            self._reply(call, code)
        except CallFailed:
            return

    def hang_up(self, call: int) -> None:
        """End a call in whatever state it is; one that is gone already is no error."""
        if call in self._calls and self._calls[call].isActive():
            try:
                self._calls[call].hangup(pj.CallOpParam(True))
            except pj.Error:
                return

    def send_digits(self, call: int, digits: str) -> None:
        """Press keys (RFC 4733), DIGIT_SECONDS each, back to back. Raises CallFailed."""
        try:
            self._calls[call].dialDtmf(digits)
        except (KeyError, pj.Error) as problem:
            raise CallFailed("sip.call_over") from problem

    def play(self, pcm: bytes) -> Playing:
        """Queue 16-bit PCM at `rate`; it waits while no call is connected."""
        playing = Playing.of(pcm, self.rate)
        self._sound.outgoing.append(playing)
        return playing

    def stop_playing(self) -> None:
        """Forget everything queued."""
        self._sound.outgoing.clear()

    def heard(self) -> list[HeardFrame]:
        """Return the audio received since the last call of this method; empty unless a call is connected."""
        return [self._sound.incoming.popleft() for _ in range(len(self._sound.incoming))]

    def packets_received(self, call: int) -> int:
        """Return the RTP packets received in this call so far, 0 when it has no sound."""
        try:
            # Kept in a name: the parts of a temporary are freed before they are read.
            figures = self._calls[call].getStreamStat(0)
            return int(figures.rtcp.rxStat.pkt)
        except (KeyError, pj.Error):
            return 0

    @property
    def local_port(self) -> int:
        """The port SIP listens on."""
        return self._library.address_of(self._transport).port

    def _start(self) -> None:
        with _silent_stdout():
            self._library.libCreate()
        self._library.libInit(_library_config(self.rate, self.options.user_agent))
        self._transport = self._library.open_transport()
        self._library.audDevManager().setNullDev()
        for codec in self._library.codecEnum2():
            self._library.codecSetPriority(codec.codecId, 0)
        for priority, name in enumerate(reversed(self.options.codecs), start=200):
            self._library.codecSetPriority(CODECS[name], priority)
        self._library.libStart()
        self._sound = _SoundPort(self.rate, narrow=self.options.only_from is not None)
        self._account = _Account(self._note, self._calls, self._numbers, self._sound)
        config = self._account_config()
        config.idUri = f"sip:{self.options.user}@{self.options.bind}:{self.local_port}"
        self._account.create(config)

    def _account_config(self) -> Any:
        config = pj.AccountConfig()
        if self.options.contact_token:
            config.sipConfig.contactUriParams = f";token={self.options.contact_token}"
        self._library.protect(config, self._transport)
        rtp = config.mediaConfig.transportConfig
        rtp.boundAddress = rtp.publicAddress = self.options.bind
        rtp.port = random.randrange(*_RTP_PORTS, 2)  # noqa: S311 - spread, not secret
        rtp.portRange = 4000
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        return config

    def _reply(self, call: int, code: int) -> None:
        parameters = _call_parameters()
        parameters.statusCode = code
        try:
            self._calls[call].answer(parameters)
        except (KeyError, pj.Error) as problem:
            raise CallFailed("sip.caller_hung_up") from problem

    def _note(self, event: SipEvent) -> None:
        if isinstance(event, Registered | Unregistered | RegistrationFailed):
            self._registered = isinstance(event, Registered)
        self._events.append(event)


class _Account(TextingAccount):
    """Notes registrations and incoming calls."""

    def __init__(
        self, note: Callable[[SipEvent], None], calls: "dict[int, _Call]", numbers: Iterator[int], sound: "_SoundPort"
    ) -> None:
        super().__init__(note)
        self._calls, self._numbers, self._sound = calls, numbers, sound

    def onRegState(self, prm: Any) -> None:  # noqa: N802
        if prm.status or prm.code // 100 != 2:
            self._note(RegistrationFailed(prm.code, prm.reason))
        else:
            self._note(Registered(prm.expiration) if prm.expiration else Unregistered())

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        call = _Call(self, next(self._numbers), self._note, self._sound, prm.callId)
        self._calls[call.number] = call
        invite = Invite.read(prm.rdata.wholeMsg, SocketAddress.parse(prm.rdata.srcAddress))
        self._note(Incoming(call.number, invite))


class _Call(pj.Call):
    """Notes the progress of one call, and connects its sound while there is any.

    Its number is ours: the library uses a place again at once, while events of the call before still wait.
    """

    def __init__(
        self,
        account: _Account,
        number: int,
        note: Callable[[SipEvent], None],
        sound: "_SoundPort",
        place: int = -1,
    ) -> None:
        super().__init__(account, place)
        self.number, self._note, self._sound = number, note, sound

    def onCallState(self, prm: Any) -> None:  # noqa: N802
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY and info.role == pj.PJSIP_ROLE_UAC:
            self._note(Ringing(self.number, info.lastStatusCode))
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._note(Answered(self.number))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            up = info.connectDuration
            self._note(Ended(self.number, info.lastStatusCode, info.lastReason, up.sec + up.msec / 1000))

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802
        # Kept in a name: `getInfo().media` would be freed while it is read.
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                if self._sound.narrow and not self._narrowed(index):
                    continue
                voice = self.getAudioMedia(index)
                voice.startTransmit(self._sound)
                self._sound.startTransmit(voice)

    def _narrowed(self, index: int) -> bool:
        """Take RTP from the address in the SDP alone; the library would follow a stranger in a pause."""
        try:
            ours = SocketAddress.parse(self.getMedTransportInfo(index).localRtpName)
            theirs = SocketAddress.parse(self.getStreamInfo(index).remoteRtpAddress)
            accept_only_from(theirs, ours)
        except (pj.Error, OSError, NoSuchSocket):
            return False
        return True

    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        self._note(DigitHeard(self.number, prm.digit))


class _SoundPort(pj.AudioMediaPort):
    """Audio port between pjsua2 and Python: 20 ms frames in the library's clock thread."""

    def __init__(self, rate: int, narrow: bool) -> None:
        super().__init__()
        self.incoming: deque[HeardFrame] = deque(maxlen=_HEARD_AT_MOST)
        self.outgoing: deque[Playing] = deque()
        self.narrow = narrow
        self._silence = pj.ByteVector(bytes(2 * rate // FRAMES_A_SECOND))
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, rate, 1, 1_000_000 // FRAMES_A_SECOND, 16)
        self.createPort("voice", form)

    def onFrameReceived(self, frame: Any) -> None:  # noqa: N802
        if frame.size:
            self.incoming.append(HeardFrame(time.time(), bytes(frame.buf)))

    def onFrameRequested(self, frame: Any) -> None:  # noqa: N802
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf = self._silence
        try:
            playing = self.outgoing[0]
            playing.started = playing.started or time.time()
            frame.buf = pj.ByteVector(playing.frames.popleft())
            if not playing.frames:
                playing.ended = time.time()
                self.outgoing.popleft()
        except IndexError:
            return


@contextlib.contextmanager
def _silent_stdout() -> Iterator[None]:
    """Silence the library's start-up message on standard output, which carries our events."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
        ctypes.CDLL(None).fflush(None)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _call_parameters() -> Any:
    parameters = pj.CallOpParam(True)
    parameters.opt.audioCount, parameters.opt.videoCount = 1, 0
    return parameters


def _library_config(rate: int, user_agent: str) -> Any:
    config = pj.EpConfig()
    # A thread of its own for RTP would wake a hundred times a second while no call is up.
    config.uaConfig.threadCnt = config.medConfig.threadCnt = 0
    config.medConfig.hasIoqueue = False
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = user_agent
    config.logConfig.level = config.logConfig.consoleLevel = config.logConfig.msgLogging = 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = rate
    config.medConfig.ecTailLen = 0
    config.medConfig.noVad = True
    return config
