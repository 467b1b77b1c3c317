"""Errors of backup and restore."""

from haichieu.errors import EnvironmentProblem, UsageError


class BackupFailed(EnvironmentProblem):
    """A backup or a restore could not be completed; nothing of it is left behind."""


class BackupDamaged(BackupFailed):
    """The file is truncated, altered, or not a backup of a station."""


class PassphraseNeeded(UsageError):
    """The backup is encrypted and no passphrase was given, or a wrong one."""


class HomeNotEmpty(UsageError):
    """The station to restore into has data of its own."""
