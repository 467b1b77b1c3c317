"""The ear of a scripted device: it stores each packet of sound that SIPp has sent to its port."""

import threading
from types import TracebackType
from typing import Self

from haichieu.process_control import run_in_real_time
from tests.fan_out.recording_device import Heard, heard
from tests.station.media_device import arrival, media_sockets


class RtpEar:
    """Use it as a context manager for as long as the device is in calls."""

    def __init__(self) -> None:
        self._rtp, self._rtcp = media_sockets()
        self.port: int = self._rtp.getsockname()[1]
        self.heard: list[Heard] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._receive)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._rtp.close()
        self._rtcp.close()

    def _receive(self) -> None:
        run_in_real_time()
        while not self._stop.is_set():
            try:
                packet, extra, _, sender = self._rtp.recvmsg(2048, 64)
            except TimeoutError:
                continue
            self.heard.append(heard(packet, arrival(extra), sender[1]))
