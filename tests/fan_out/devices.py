"""Recording devices that are speakers of the scene."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.fan_out.recording_device import RecordingDevice
from tests.fan_out.scene import PASSWORD, FanOutScene


@contextmanager
def devices(scene: FanOutScene, *codes: str, **special: dict[str, Any]) -> Iterator[dict[str, RecordingDevice]]:
    with ExitStack() as stack:
        yield {
            code: stack.enter_context(RecordingDevice(scene.station.server, code, PASSWORD, **special.get(code, {})))
            for code in codes
        }


def direct(scene: FanOutScene, device: RecordingDevice) -> int:
    """Return how many packets came directly from the fan-out."""
    return sum(one.port == scene.rtp_port for one in list(device.heard))
