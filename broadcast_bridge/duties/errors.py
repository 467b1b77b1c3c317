"""Errors of publication duties.

HaiChieuError
├── UsageError
│   └── DutyRefused          the entry is not valid
├── NotFound
│   ├── NoSuchDuty           there is no such duty
│   └── NoSuchCertificate    no certificate has this code
└── CertificateRefused       the village has no proof to certify, or the audit trail was altered
"""

from haichieu.errors import HaiChieuError, NotFound, UsageError
from haichieu.locale import Field


class DutyRefused(UsageError):
    """The entry is not valid; `field` is the part of it that is wrong, "" for the whole."""

    def __init__(self, key: str, field: str = "", /, **fields: Field) -> None:
        super().__init__(key, **fields)
        self.field = field


class NoSuchDuty(NotFound):
    """There is no such duty."""


class NoSuchCertificate(NotFound):
    """No certificate has this code."""


class CertificateRefused(HaiChieuError):
    """The village has no proof to certify, or the audit trail was altered."""
