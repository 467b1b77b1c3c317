"""References of casework to units."""

from feedback.cases.case_lifecycle import OPEN
from feedback.citizens.models import DataRequest
from feedback.models import Case, Citizen, VoiceDraft
from feedback.states import RequestState
from haichieu.units.references import Reference, column_of

REFERENCES = (
    Reference(column_of(Case.unit_id), "cases", live=Case.status.in_(OPEN), shown=column_of(Case.number)),
    Reference(column_of(Citizen.unit_id), "citizens"),
    Reference(column_of(VoiceDraft.unit_id), "voice_drafts"),
    Reference(column_of(DataRequest.unit_id), "data_requests", live=DataRequest.state == RequestState.OPEN),
)
"""Open cases and requests follow a merged unit; closed ones stay under its name."""
