"""Hook of schemathesis: a valid request gets a new idempotency key, since a key is refused with a second body."""

import re
import uuid
from typing import Any

import schemathesis
from schemathesis import GenerationMode

from admin.api.idempotency import HEADER


@schemathesis.hook
def before_call(_context: object, case: Any, _kwargs: object) -> None:
    if case.meta.generation.mode is GenerationMode.POSITIVE and re.fullmatch(
        r"[!-~]{1,255}", str((case.headers or {}).get(HEADER, ""))
    ):
        case.headers[HEADER] = str(uuid.uuid4())
