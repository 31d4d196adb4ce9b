"""The canonical model: one short file an entity; its `__area__` is its chapter of docs/model."""

from hub.model.account_access import AccountAccess
from hub.model.accounting_code import AccountingCode
from hub.model.ancillary_review import AncillaryReview
from hub.model.award import Award
from hub.model.award_deliverable import AwardDeliverable
from hub.model.budget import Budget
from hub.model.budget_line import BudgetLine
from hub.model.charge import Charge
from hub.model.compliance_item import ComplianceItem
from hub.model.consent import Consent
from hub.model.contract import Contract
from hub.model.coverage_designation import CoverageDesignation
from hub.model.credential import Credential
from hub.model.crf_status import CrfStatus
from hub.model.data_query import DataQuery
from hub.model.delegation import Delegation
from hub.model.deviation import Deviation
from hub.model.document import Document
from hub.model.document_version import DocumentVersion
from hub.model.effort_record import EffortRecord
from hub.model.eligibility_criterion import EligibilityCriterion
from hub.model.employment import Employment
from hub.model.enrollment import Enrollment
from hub.model.enrollment_arm import EnrollmentArm
from hub.model.enrollment_state import EnrollmentState
from hub.model.expected_document import ExpectedDocument
from hub.model.feasibility_assessment import FeasibilityAssessment
from hub.model.invoice import Invoice
from hub.model.invoice_line import InvoiceLine
from hub.model.irb_submission import IrbSubmission
from hub.model.kri_value import KriValue
from hub.model.ledger_entry import LedgerEntry
from hub.model.location import Location
from hub.model.milestone import Milestone
from hub.model.monitoring_finding import MonitoringFinding
from hub.model.monitoring_visit import MonitoringVisit
from hub.model.organization import Organization
from hub.model.participant import Participant
from hub.model.participant_phi import ParticipantPhi
from hub.model.participant_visit import ParticipantVisit
from hub.model.payment import Payment
from hub.model.payment_allocation import PaymentAllocation
from hub.model.person import Person
from hub.model.portfolio import Portfolio
from hub.model.portfolio_item import PortfolioItem
from hub.model.procedure_def import ProcedureDef
from hub.model.protocol_version import ProtocolVersion
from hub.model.purchase_order import PurchaseOrder
from hub.model.receivable import Receivable
from hub.model.regulatory_submission import RegulatorySubmission
from hub.model.research_project import ResearchProject
from hub.model.risk import Risk
from hub.model.safety_event_ref import SafetyEventRef
from hub.model.staff_assignment import StaffAssignment
from hub.model.startup_task import StartupTask
from hub.model.study import Study
from hub.model.study_arm import StudyArm
from hub.model.study_epoch import StudyEpoch
from hub.model.study_governance import StudyGovernance
from hub.model.study_objective import StudyObjective
from hub.model.study_site import StudySite
from hub.model.study_site_state import StudySiteState
from hub.model.study_state import StudyState
from hub.model.supply_shipment import SupplyShipment
from hub.model.training_record import TrainingRecord
from hub.model.training_requirement import TrainingRequirement
from hub.model.visit_def import VisitDef
from hub.model.visit_procedure import VisitProcedure

__all__ = [
    "AccountAccess",
    "AccountingCode",
    "AncillaryReview",
    "Award",
    "AwardDeliverable",
    "Budget",
    "BudgetLine",
    "Charge",
    "ComplianceItem",
    "Consent",
    "Contract",
    "CoverageDesignation",
    "Credential",
    "CrfStatus",
    "DataQuery",
    "Delegation",
    "Deviation",
    "Document",
    "DocumentVersion",
    "EffortRecord",
    "EligibilityCriterion",
    "Employment",
    "Enrollment",
    "EnrollmentArm",
    "EnrollmentState",
    "ExpectedDocument",
    "FeasibilityAssessment",
    "Invoice",
    "InvoiceLine",
    "IrbSubmission",
    "KriValue",
    "LedgerEntry",
    "Location",
    "Milestone",
    "MonitoringFinding",
    "MonitoringVisit",
    "Organization",
    "Participant",
    "ParticipantPhi",
    "ParticipantVisit",
    "Payment",
    "PaymentAllocation",
    "Person",
    "Portfolio",
    "PortfolioItem",
    "ProcedureDef",
    "ProtocolVersion",
    "PurchaseOrder",
    "Receivable",
    "RegulatorySubmission",
    "ResearchProject",
    "Risk",
    "SafetyEventRef",
    "StaffAssignment",
    "StartupTask",
    "Study",
    "StudyArm",
    "StudyEpoch",
    "StudyGovernance",
    "StudyObjective",
    "StudySite",
    "StudySiteState",
    "StudyState",
    "SupplyShipment",
    "TrainingRecord",
    "TrainingRequirement",
    "VisitDef",
    "VisitProcedure",
]
