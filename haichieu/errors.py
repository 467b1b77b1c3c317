"""The root of every error that a person may get to read.

    HaiChieuError
    ├── UsageError            the request itself is wrong (exit status 2)
    │   ├── SettingsError     a setting is missing or impossible
    │   └── DistrictFileError a mistake in a district file, with its line
    ├── EnvironmentProblem    the machine cannot do what is asked (exit status 1)
    └── …                     each room adds its own, in the module that raises it

Messages are sentences that say what was wrong, where, and what to do.
"""


class HaiChieuError(Exception):
    """Anything the station refuses or fails to do, with a sentence for the person who asked."""

    exit_status = 1


class UsageError(HaiChieuError):
    """The request itself is wrong; trying again unchanged cannot help."""

    exit_status = 2


class SettingsError(UsageError):
    """A setting is missing, contradictory or impossible."""


class EnvironmentProblem(HaiChieuError):
    """The machine lacks something: a port, a permission, disk space, a package."""
