"""ffmpeg filters for what people record themselves, by phone or in the browser, before it is levelled.

Only recordings are cleaned: a produced file keeps its basses and its dynamics.
"""

HUM_HZ = (100, 150)
"""Harmonics of the mains that a horn reproduces; the high pass removes 50 Hz."""
CLEANING = (
    "highpass=f=75:poles=2",
    *(f"bandreject=f={hertz}:width_type=h:width=6" for hertz in HUM_HZ),
    "adeclick=window=55:overlap=50:threshold=4",
    "dynaudnorm=framelen=300:gausssize=5:peak=0.7:maxgain=8:threshold=0.004",
)
"""Hum, clicks of keys, and the distance from the mouth: at most eight times louder, and never what is only noise."""
