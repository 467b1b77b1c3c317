"""The sending of the fan-out alone: one voice to many listeners, without Asterisk."""

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

from broadcast_bridge.fan_out.session_description import Description
from broadcast_bridge.fan_out.speaker_seats import Engine
from broadcast_bridge.fan_out.streams import sending_sockets
from haichieu.demo.trial_station import LOOPBACK, free_port
from tests.benchmarks.sink import RtpSink
from tests.benchmarks.table import Row

LISTENERS = (300, 1000, 3000)
PACKETS, SECONDS_APART = 250, 0.02
LATEST_SECONDS = 1.0


def measure() -> Iterator[Row]:
    """Yield the cores that the sending takes, and the share of packets that did not arrive."""
    for count in LISTENERS:
        with RtpSink() as sink:
            sender = [sys.executable, "-m", "tests.benchmarks.sending", str(count), str(sink.port)]
            printed = subprocess.run(sender, capture_output=True, text=True, check=True).stdout
            _wait_for(sink, count * PACKETS)
            lost = 1 - sink.packets / (count * PACKETS)
        label = f"{count:,} listeners of one voice"
        yield (f"{label}: cores of the fan-out", printed.strip(), "", "", "")
        yield (f"{label}: packets lost (%)", f"{100 * lost:.3f}", "", "", "< 0.1")


def _wait_for(sink: RtpSink, packets: int) -> None:
    """Wait for the last packets; lost ones do not come."""
    end = time.monotonic() + LATEST_SECONDS
    while sink.packets < packets and time.monotonic() < end:
        time.sleep(0.01)


def send(count: int, port: int) -> float:
    """Send a voice to that many listeners on one port; return the cores that it took."""
    rtp, rtcp = sending_sockets(LOOPBACK, free_port(socket.SOCK_DGRAM) & ~1)
    engine = Engine(rtp, rtcp, lambda *_: None)
    stream = engine.open("voice", "ulaw")
    for number in range(count):
        engine.expect(str(number), "ulaw")
        engine.offered(str(number), Description((LOOPBACK, port), (0,), True))
        engine.start(str(number), "voice")
    source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    began, used = time.perf_counter(), time.process_time()
    for number in range(PACKETS):
        header = struct.pack("!BBHII", 0x80, 0, number, 160 * number, 7)
        source.sendto(header + bytes(range(160)), (LOOPBACK, stream.port))
        stream.receive()
        time.sleep(max(0.0, began + (number + 1) * SECONDS_APART - time.perf_counter()))
    return (time.process_time() - used) / (time.perf_counter() - began)


if __name__ == "__main__":
    print(f"{send(int(sys.argv[1]), int(sys.argv[2])):.3f}")
