"""Which arm an enrollment is in. Sealed: to read it is to be unblinded, and is audited."""

from hub.model.base import Entity, text


class EnrollmentArm(Entity, table=True):
    __tablename__ = "enrollment_arm"
    __area__ = "participants"
    __sensitivity__ = "unblinding"
    __beside__ = "Enrollment"
    __label__ = "arm_assigned"

    arm_assigned: bytes | None = text(
        "the arm drawn", fhir="ResearchSubject.assignedArm", hl7="CSR-12", longest=400
    )
    arm_actual: bytes | None = text(
        "the arm followed", fhir="ResearchSubject.actualArm", longest=400
    )
    stratum: bytes | None = text("stratum of the randomisation", hl7="CSR-13", longest=400)
    randomisation_no: bytes | None = text("number on the randomisation list", longest=200)
