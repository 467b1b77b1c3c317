"""The ear of a scripted device: it stores each packet of sound that SIPp has sent to its port."""

import socket

from haichieu.process_control import run_in_real_time
from tests.fan_out.recording_device import Heard, heard
from tests.packet_receiver import PacketReceiver
from tests.station.media_device import arrival, media_sockets


class RtpEar(PacketReceiver):
    """Use it as a context manager for as long as the device is in calls."""

    def __init__(self) -> None:
        rtp, rtcp = media_sockets()
        super().__init__(rtp, rtcp)
        self.port: int = rtp.getsockname()[1]
        self.heard: list[Heard] = []

    def _run(self) -> None:
        run_in_real_time()
        super()._run()

    def _receive(self, receiving: socket.socket) -> None:
        packet, extra, _, sender = receiving.recvmsg(2048, 64)
        self.heard.append(heard(packet, arrival(extra), sender[1]))
