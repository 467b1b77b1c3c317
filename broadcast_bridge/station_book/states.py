"""Choices of the station book; their words are `book.choice.<class>.<value>` in the catalogue."""

from enum import StrEnum


class Technology(StrEnum):
    """How a station reaches its loudspeakers."""

    WIRED = "wired"
    FM = "fm"
    ICT = "ict"
    MIXED = "mixed"


class DeviceKind(StrEnum):
    """Kinds of devices."""

    ICT_CLUSTER = "ict_cluster"
    FM_RECEIVER = "fm_receiver"
    WIRED_SPEAKER = "wired_speaker"
    TRANSMITTER = "transmitter"
    AMPLIFIER = "amplifier"
    HORN = "horn"
    MICROPHONE = "microphone"
    COMPUTER = "computer"
    OTHER = "other"


class Condition(StrEnum):
    """Condition of a station or a device."""

    GOOD = "good"
    WORN = "worn"
    BROKEN = "broken"
    DISPOSED = "disposed"
    """Out of use for good; it is left out of the figures, and its SIM and warranty raise no alarm."""


class Answer(StrEnum):
    """Yes or no."""

    YES = "yes"
    NO = "no"


class Finding(StrEnum):
    """Result of an inspection."""

    PASSED = "passed"
    REPAIR_NEEDED = "repair_needed"
    FAILED = "failed"


class PlanKind(StrEnum):
    """What the yearly plan does to a station."""

    NEW = "new"
    UPGRADE = "upgrade"
    CONVERT = "convert"


class PlanState(StrEnum):
    """State of an entry of the yearly plan."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    UNDER_WAY = "under_way"
    DONE = "done"
    DROPPED = "dropped"


class Audience(StrEnum):
    """Staff who need training."""

    IT_STAFF = "it_staff"
    BROADCASTERS = "broadcasters"
    OTHERS = "others"


class Attended(StrEnum):
    """Result of a person's course."""

    REGISTERED = "registered"
    PRESENT = "present"
    CERTIFIED = "certified"
    ABSENT = "absent"


class Fund(StrEnum):
    """Sources of funds."""

    CENTRAL = "central"
    LOCAL = "local"
    DONORS = "donors"
    OTHER = "other"


class Purpose(StrEnum):
    """What money is spent on."""

    STATIONS = "stations"
    REPAIRS = "repairs"
    TRAINING = "training"
    CONTENT = "content"
    RUNNING = "running"
    OTHER = "other"
