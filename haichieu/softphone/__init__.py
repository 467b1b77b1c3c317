"""A telephone under a script's control: places and takes real SIP calls for demo, tests and test calls.

`python -m haichieu.softphone` is the phone itself (`process`); `SoftPhone` starts and steers one (`controller`).
"""

from haichieu.softphone.controller import CallNotAnswered, Played, SoftPhone

__all__ = ["CallNotAnswered", "Played", "SoftPhone"]
