"""Contracts, budgets, invoices, awards: told by the contract office, the CTMS and the ERP."""

STUDIES = """
    protocol_no,title,sponsor_code,status
    ONC-101,A trial of X,ACME,open_to_accrual
    CAR-7,A trial of Y,HEARTS,open_to_accrual
    """
ORGANIZATIONS = """
    organization_code,name,kind
    ACME,Acme Pharma,sponsor
    HEARTS,Hearts Foundation,sponsor
    ONCDEPT,Oncology,department
    NIH,National Institutes,funder
    """
GOVERNANCE = """
    governance_no,protocol_no,unit_code,role,share_percent
    G1,ONC-101,ONCDEPT,owning,100
    """
ROSTER = """
    employee_id,employer,family_name,given_name,email
    E301,CM-HR,Ng,Mei,m.ng@cm.example
    """
CONTRACTS = """
    contract_no,title,kind,state,protocol_no,party_code,received_on,first_draft_on,legal_review_on,fully_executed_on,expires_on,renewal_due_on,value_amount,currency,owner_email
    K-1,Trial agreement,cta,executed,ONC-101,ACME,2026-01-05,2026-01-20,,2026-02-20,2026-08-31,,120000.00,USD,m.ng@cm.example
    K-2,Trial agreement,cta,legal_review,CAR-7,HEARTS,2026-04-01,2026-04-20,2026-06-05,,,,9000.5,EUR,m.ng@cm.example
    K-3,Disclosure,cda,expired,ONC-101,ACME,2024-01,,,2024-02-01,2025-02-01,,,,
    """  # noqa: E501
BUDGETS = """
    budget_no,name,kind,status,version_no,protocol_no,contract_no,overhead_rate,total_amount,currency,start_on,approved_on,supersedes_no
    B-1,Sponsor budget,sponsor,superseded,1,ONC-101,K-1,25,10000.00,USD,2026-01-01,2026-02-01,
    B-2,Sponsor budget,sponsor,approved,2,ONC-101,K-1,25,12500.00,USD,2026-02-01,2026-02-20,B-1
    B-3,Sponsor budget,sponsor,negotiation,1,CAR-7,K-2,,,EUR,2026-05-16,,
    """
LINES = """
    budget_line_no,budget_no,protocol_no,name,category,per,quantity,unit_amount,currency
    L-1,B-2,ONC-101,Screening,visit,visit,10,0.10,USD
    L-2,B-2,ONC-101,Start-up,startup,once,,4999.99,USD
    L-3,B-2,ONC-101,Pass-through,pass_through,once,1,7.00,CHF
    """
RECEIVABLES = """
    receivable_no,protocol_no,sponsor_code,kind,status,earned_on,amount,holdback_amount,currency
    R-1,ONC-101,ACME,visit,invoiced,2026-03-04,4250.00,425.00,USD
    R-2,ONC-101,ACME,visit,earned,2026-05-04,4250.00,425.00,USD
    R-3,CAR-7,HEARTS,visit,paid,2026-03-01,0.10,,EUR
    R-4,CAR-7,HEARTS,visit,paid,2026-03-02,0.20,,EUR
    R-5,CAR-7,HEARTS,visit,written_off,2026-03-02,99.00,,EUR
    """
INVOICES = """
    invoice_no,direction,kind,posted_no,party_code,protocol_no,state,issued_on,due_on,total_amount,currency
    I-1,ar,invoice,90000017,ACME,ONC-101,partially_paid,2026-03-10,2026-04-10,4250.00,USD
    I-2,ar,credit_note,90000018,ACME,ONC-101,sent,2026-05-10,2026-05-31,50.00,USD
    I-3,ar,invoice,90000019,HEARTS,CAR-7,paid,2026-03-10,2026-04-10,0.30,EUR
    I-4,ar,invoice,,HEARTS,CAR-7,draft,,,12.00,EUR
    I-5,ap,invoice,51000001,ACME,ONC-101,approved,2026-03-10,2026-04-10,777.00,USD
    """
PAYMENTS = """
    payment_no,direction,reference,party_code,protocol_no,status,paid_on,amount,unallocated_amount,currency
    P-1,received,R-7781,ACME,ONC-101,posted,2026-04-20,3825.00,0.00,USD
    P-2,received,R-7790,HEARTS,CAR-7,posted,2026-04-21,0.30,0.30,EUR
    P-3,received,R-7791,HEARTS,CAR-7,reversed,2026-04-21,0.30,0.30,EUR
    P-4,received,R-7792,HEARTS,CAR-7,posted,2026-05-21,0.05,0.05,EUR
    """
ALLOCATIONS = """
    allocation_no,payment_no,protocol_no,invoice_no,amount,currency,allocated_on
    A-1,P-1,ONC-101,I-1,3825.00,USD,2026-04-21
    A-2,P-2,,I-3,0.30,EUR,2026-04-22
    """
AWARDS = """
    award_no,sponsor_award_no,title,kind,status,sponsor_code,organization_code,principal_investigator_email,protocol_no,start_on,end_on,original_end_on,f_and_a_rate,obligated_amount,currency
    W-1,R01-1,Study of Z,grant,no_cost_ext,NIH,ONCDEPT,m.ng@cm.example,,2025-12-17,2026-12-12,2026-06-30,52.5,360000.00,USD
    W-2,,Gift,gift,active,ACME,,,ONC-101,2026,,,,1000.00,USD
    """  # noqa: E501
LEDGER = """
    ledger_entry_no,kind,posted_on,award_no,side,amount,currency
    E-1,actual,2026-02-01,W-1,debit,100000.00,USD
    E-2,actual,2026-03-01,W-1,credit,10000.00,USD
    E-3,commitment,2026-03-01,W-1,debit,5000.00,USD
    E-4,actual,2026-03-01,W-1,debit,5000.00,EUR
    """
DELIVERABLES = """
    deliverable_no,award_no,kind,name,due_on,submitted_on,status
    D-1,W-1,rppr,Progress report,2026-06-01,,open
    D-2,W-1,ffr,Financial report,2026-07-01,,in_progress
    D-3,W-1,sam,Registration,2026-01-01,2025-12-30,accepted
    """
EFFORT = """
    effort_no,person_email,award_no,period_from,period_to,certified_percent,certified_on
    F-1,m.ng@cm.example,W-1,2026-01-01,2026-03-31,20,2026-04-10
    F-2,m.ng@cm.example,W-1,2026-04-01,2026-05-31,,
    """
STORY = (
    ("ctms", "files/organization", ORGANIZATIONS), ("ctms", "files/study", STUDIES),
    ("hr", "files/roster", ROSTER), ("office", "files/study-governance", GOVERNANCE),
    ("office", "files/contract", CONTRACTS), ("office", "files/budget", BUDGETS),
    ("office", "files/budget-line", LINES), ("ctms", "files/receivable", RECEIVABLES),
    ("erp", "files/invoice", INVOICES), ("erp", "files/payment", PAYMENTS),
    ("erp", "files/payment-allocation", ALLOCATIONS), ("grants", "files/award", AWARDS),
    ("erp", "files/ledger-entry", LEDGER), ("grants", "files/award-deliverable", DELIVERABLES),
    ("grants", "files/effort-record", EFFORT),
)  # fmt: skip


def row(columns, *cells):
    return dict(zip(columns.split(), cells, strict=True))


def test_where_each_contract_is(shown):
    columns = (
        "contract_no title party study kind kind_native state state_native owner days_in_state "
        "value currency received_on executed_on cycle_days expires_on renewal_due_on renewal_due "
        "dq_flag"
    )
    assert shown("croms_contracts", sort="contract_no") == [
        row(columns, "K-1", "Trial agreement", "Acme Pharma", "ONC-101", "cta", None, "executed",
            None, "Mei Ng", 115, "120000.00", "USD", "2026-01-05", "2026-02-20", 46, "2026-08-31",
            None, True, "ok"),
        row(columns, "K-2", "Trial agreement", "Hearts Foundation", "CAR-7", "cta", None,
            "legal_review", None, "Mei Ng", 10, "9000.50", "EUR", "2026-04-01", None, 75, None,
            None, False, "ok"),
        # received in a month of which the day is not known: how long it took cannot be told
        row(columns, "K-3", "Disclosure", "Acme Pharma", "ONC-101", "cda", None, "expired", None,
            None, 499, None, None, "2024-01", "2024-02-01", None, "2025-02-01", None, False, "ok"),
    ]  # fmt: skip


def test_which_budgets_wait(shown):
    columns = (
        "study department sponsor name kind kind_native status status_native version_no total "
        "lines_total lines total_before currency overhead_rate start_on approved_on days_open "
        "contract_no contract_state dq_flag"
    )
    first, second, third = shown("croms_budget_pipeline", sort="start_on")

    assert (first["status"], first["total"], first["days_open"]) == ("superseded", "10000.00", None)
    # ten times ten cents and a start-up fee; the line in francs is not added to dollars
    assert second == row(
        columns, "ONC-101", "Oncology", "Acme Pharma", "Sponsor budget", "sponsor", None,
        "approved", None, "2", "12500.00", "5000.99", 2, "10000.00", "USD", 25.0, "2026-02-01",
        "2026-02-20", None, "K-1", "executed", "ok",
    )  # fmt: skip
    assert third == row(
        columns, "CAR-7", None, "Hearts Foundation", "Sponsor budget", "sponsor", None,
        "negotiation", None, "1", None, "0.00", 0, None, "EUR", None, "2026-05-16", None, 30,
        "K-2", "legal_review", "ok",
    )  # fmt: skip


def test_which_invoices_are_owed_and_what_was_never_invoiced(shown):
    columns = (
        "sponsor study invoice_no posted_no state state_native amount currency issued_on due_on "
        "paid outstanding days_overdue age_0_30 age_31_60 age_61_90 age_91_up unbilled_earned "
        "dq_flag"
    )
    zero = ("0.00",)
    assert shown("croms_invoicing_ar", sort="invoice_no") == [
        row(columns, "Acme Pharma", "ONC-101", "I-1", "90000017", "partially_paid", None,
            "4250.00", "USD", "2026-03-10", "2026-04-10", "3825.00", "425.00", 66, *zero * 2,
            "425.00", *zero * 2, "ok"),
        row(columns, "Acme Pharma", "ONC-101", "I-2", "90000018", "sent", None, "-50.00", "USD",
            "2026-05-10", "2026-05-31", "0.00", "-50.00", None, "-50.00", *zero * 4, "ok"),
        row(columns, "Hearts Foundation", "CAR-7", "I-3", "90000019", "paid", None, "0.30", "EUR",
            "2026-03-10", "2026-04-10", "0.30", "0.00", None, *zero * 5, "ok"),
        # a draft has no number of the ERP's, and nobody owes it
        row(columns, "Hearts Foundation", "CAR-7", "I-4", None, "draft", None, "12.00", "EUR",
            None, None, "0.00", "0.00", None, *zero * 5, "ok"),
        row(columns, "Acme Pharma", "ONC-101", *[None] * 5, "USD", None, None, "0.00", "0.00",
            None, *zero * 4, "4250.00", "ok"),
    ]  # fmt: skip


def test_whether_the_systems_agree_about_the_money(shown):
    columns = (
        "study currency earned invoiced posted paid unallocated earned_not_posted posted_not_paid "
        "cause dq_flag"
    )
    assert shown("croms_financial_reconciliation", sort="study") == [
        row(columns, "CAR-7", "EUR", "0.30", "0.30", "0.30", "0.35", "0.05", "0.00", "-0.05",
            "paid_unallocated", "ok"),
        row(columns, "ONC-101", "USD", "8500.00", "4200.00", "4200.00", "3825.00", "0.00",
            "4300.00", "375.00", "not_invoiced", "ok"),
    ]  # fmt: skip


def test_how_fast_an_award_is_spent(shown):
    columns = (
        "award_no sponsor_award_no title kind status status_native sponsor principal_investigator "
        "department study start_on end_on currency obligated spent burn_percent projected_balance "
        "f_and_a_rate deliverables_due deliverables_late next_due_on effort_certified_until "
        "no_cost_extension dq_flag"
    )
    # half of its 360 days are over, a quarter is spent: half will be left
    assert shown("croms_award_postaward", sort="-spent") == [
        row(columns, "W-1", "R01-1", "Study of Z", "grant", "no_cost_ext", None,
            "National Institutes", "Mei Ng", "Oncology", None, "2025-12-17", "2026-12-12", "USD",
            "360000.00", "90000.00", 25.0, "180000.00", 52.5, 2, 1, "2026-06-01", "2026-03-31",
            True, "ok"),
        row(columns, "W-2", None, "Gift", "gift", "active", None, "Acme Pharma", None, None,
            "ONC-101", "2026", None, "USD", "1000.00", "0.00", 0.0, None, None, 0, 0, None, None,
            False, "ok"),
    ]  # fmt: skip


def test_a_study_is_asked_for_by_the_name_people_use(shown):
    assert [one["contract_no"] for one in shown("croms_contracts", study="CAR-7")] == ["K-2"]
    assert shown("croms_contracts", study="CAR") == []
