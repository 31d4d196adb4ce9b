"""The canonical model: one short file an entity."""

from hub.model.consent import Consent
from hub.model.enrollment import Enrollment
from hub.model.enrollment_arm import EnrollmentArm
from hub.model.enrollment_state import EnrollmentState
from hub.model.location import Location
from hub.model.organization import Organization
from hub.model.participant import Participant
from hub.model.participant_phi import ParticipantPhi
from hub.model.participant_visit import ParticipantVisit
from hub.model.person import Person
from hub.model.staff_assignment import StaffAssignment
from hub.model.study import Study
from hub.model.study_arm import StudyArm
from hub.model.study_epoch import StudyEpoch
from hub.model.study_site import StudySite
from hub.model.visit_def import VisitDef

__all__ = [
    "Consent",
    "Enrollment",
    "EnrollmentArm",
    "EnrollmentState",
    "Location",
    "Organization",
    "Participant",
    "ParticipantPhi",
    "ParticipantVisit",
    "Person",
    "StaffAssignment",
    "Study",
    "StudyArm",
    "StudyEpoch",
    "StudySite",
    "VisitDef",
]
