"""Who a participant is: name, birth, address. Sealed, beside the Participant whose id it shares."""

from hub.model.base import Entity, date, instant, text, texts


class ParticipantPhi(Entity, table=True):
    __tablename__ = "participant_phi"
    __area__ = "participants"
    __plural__ = "participant-phi"
    __sensitivity__ = "phi"
    __beside__ = "Participant"
    __label__ = "family_name"

    family_name: bytes | None = text("family name", fhir="Patient.name.family", hl7="PID-5.1")
    given_name: bytes | None = text("given name", fhir="Patient.name.given[0]", hl7="PID-5.2")
    middle_name: bytes | None = text("middle names", fhir="Patient.name.given[1:]", hl7="PID-5.3")
    name_prefix: bytes | None = text("before the name", fhir="Patient.name.prefix", hl7="PID-5.5")
    name_suffix: bytes | None = text("after the name", fhir="Patient.name.suffix", hl7="PID-5.4")
    previous_family_name: bytes | None = text(
        "an earlier family name", fhir="Patient.name[use=maiden].family", hl7="PID-9.1"
    )
    mother_maiden_name: bytes | None = text("mother's family name at birth", hl7="PID-6.1")
    birth_date: bytes | None = date("date of birth", fhir="Patient.birthDate", hl7="PID-7")
    birth_at: bytes | None = instant("moment of birth", fhir="patient-birthTime", hl7="PID-7")
    birth_place: bytes | None = text("place of birth", fhir="patient-birthPlace", hl7="PID-23")
    address_lines: bytes | None = texts("street", fhir="Patient.address.line", hl7="PID-11.1")
    city: bytes | None = text("city", fhir="Patient.address.city", hl7="PID-11.3")
    state: bytes | None = text("state or region", fhir="Patient.address.state", hl7="PID-11.4")
    postal_code: bytes | None = text(
        "postal code", fhir="Patient.address.postalCode", hl7="PID-11.5"
    )
    county: bytes | None = text("county", fhir="Patient.address.district", hl7="PID-12, PID-11.9")
    country: bytes | None = text("country", fhir="Patient.address.country", hl7="PID-11.6")
    phone: bytes | None = text("telephone at home", fhir="Patient.telecom", hl7="PID-13.1")
    mobile_phone: bytes | None = text("mobile telephone", fhir="Patient.telecom", hl7="PID-13.1")
    work_phone: bytes | None = text("telephone at work", fhir="Patient.telecom", hl7="PID-14.1")
    email: bytes | None = text("e-mail", fhir="Patient.telecom", hl7="PID-13.4")
    marital_status: bytes | None = text(
        "marital status, as the source says it", fhir="Patient.maritalStatus", hl7="PID-16"
    )
    deceased_at: bytes | None = instant(
        "when the person died", fhir="Patient.deceasedDateTime", hl7="PID-29"
    )
