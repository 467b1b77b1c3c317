"""A wrong clock for the Python processes of a node, whose PYTHONPATH has this folder: see `province`."""

import datetime
import os

import time_machine

_ahead = datetime.timedelta(seconds=float(os.environ.get("CLOCK_IS_AHEAD", "0")))
time_machine.travel(datetime.datetime.now(datetime.UTC) + _ahead, tick=True).start()
