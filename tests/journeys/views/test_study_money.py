"""Money of a study: planned by a budget, earned visit by visit, invoiced by the ERP, paid."""

from __future__ import annotations

STORY = (
    ("office", "files/organization", "organization_code,name\nACME,Acme\nCMH,Cedar Mesa Hospital"),
    ("office", "files/study", "protocol_no,title,target_enrolment\nONC-101,Agent X,10"),
    ("office", "files/study-site", """
        protocol_no,organization_code,site_no,status,target_enrolment
        ONC-101,CMH,101,enrolling,10"""),
    ("office", "files/enrollment", """
        protocol_no,site_no,research_id,subject_number,state,enrolled_on
        ONC-101,101,R1,S-1,enrolled,2026-01-21
        ONC-101,101,R2,S-2,enrolled,2026-02-21"""),
    ("office", "files/budget", """
        budget_no,kind,status,protocol_no,site_no,currency
        B-1,sponsor,approved,ONC-101,101,USD
        B-2,sponsor,superseded,ONC-101,101,USD
        B-3,internal,approved,ONC-101,101,USD"""),
    ("office", "files/budget-line", """
        budget_line_no,budget_no,protocol_no,site_no,name,category,per,quantity,unit_amount,currency
        L-1,B-1,ONC-101,101,Visits,visit,subject,,1000.10,USD
        L-2,B-1,ONC-101,101,Start-up,startup,once,,5000,USD
        L-3,B-1,ONC-101,101,Imaging,procedure,item,3,200.05,EUR
        L-4,B-2,ONC-101,101,Old,visit,subject,,1,USD
        L-5,B-3,ONC-101,101,Cost,visit,subject,,1,USD"""),
    ("office", "files/receivable", """
        receivable_no,protocol_no,site_no,budget_line_no,kind,status,earned_on,amount,holdback_amount,paid_amount,currency
        A-1,ONC-101,101,L-1,visit,invoiced,2026-02-01,1000.10,100.01,,USD
        A-2,ONC-101,101,L-1,visit,earned,2026-03-01,0.20,,,USD
        A-3,ONC-101,101,L-2,startup,paid,2026-01-05,5000.00,,,USD
        A-4,ONC-101,101,L-3,procedure,earned,2026-03-05,200.05,,,EUR
        A-5,ONC-101,101,,milestone,entered_in_error,2026-03,7.00,,,USD
        A-6,ONC-101,,,other,written_off,2026-03,50.00,,,USD"""),
    ("erp", "files/receivable", """
        receivable_no,protocol_no,site_no,kind,status,earned_on,amount,currency
        70000001,ONC-101,101,milestone,earned,2026-04-01,40.00,USD"""),
    ("erp", "odata/receivable-billed", {
        "BillingDocument": "90000012", "SDDocumentCategory": "P", "TransactionCurrency": "USD",
        "BillingDocumentIsCancelled": False, "BillingDocumentDate": "/Date(1775088000000)/",
        "to_Item": {"results": [{
            "BillingDocumentItem": "10", "ReferenceSDDocument": "70000001", "NetAmount": "40.00"}]},
    }),
    ("erp", "files/invoice", """
        invoice_no,direction,kind,posted_no,party_code,protocol_no,site_no,state,issued_on,due_on,total_amount,currency
        I-1,ar,invoice,9001,ACME,ONC-101,101,partially_paid,2026-03-01,2026-03-31,300.30,USD
        90000012,ar,invoice,90000012,ACME,ONC-101,101,sent,2026-04-02,2026-05-02,40.00,USD
        I-2,ar,invoice,,ACME,ONC-101,101,sent,2026-03-01,2026-03-31,99.00,USD
        I-3,ar,credit_note,9003,ACME,ONC-101,101,sent,2026-06-01,2026-07-01,50.00,USD
        I-4,ap,invoice,9004,CMH,ONC-101,101,sent,2026-06-01,2026-07-01,5.00,USD"""),
    ("erp", "files/payment", """
        payment_no,direction,status,paid_on,amount,currency
        P-1,received,posted,2026-04-01,100.10,USD
        P-2,received,posted,2026-05-01,100.00,EUR
        P-3,received,reversed,2026-05-01,9.00,USD"""),
    ("erp", "files/payment-allocation", """
        allocation_no,payment_no,protocol_no,receivable_no,invoice_no,amount,currency,exchange_rate
        Q-1,P-1,ONC-101,,I-1,100.10,USD,
        Q-2,P-2,ONC-101,A-1,,100.00,EUR,1.0825
        Q-3,P-3,ONC-101,A-1,,9.00,USD,"""),
)  # fmt: skip


def test_what_was_planned_earned_invoiced_and_received(known):
    assert known("ctms_budget_vs_actual", sort="category") == [
        {"study": "ONC-101", "site": "101", "category": "milestone", "budget": "0.00",
         "earned": "40.00", "invoiced": "40.00", "received": "0.00", "outstanding": "40.00",
         "age_0_30": "0.00", "age_31_60": "40.00", "age_61_90": "0.00", "age_91_up": "0.00",
         "holdback": "0.00", "forecast": "40.00", "currency": "USD", "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "category": "not_attributed", "budget": "0.00",
         "earned": "0.00", "invoiced": "250.30", "received": "100.10", "outstanding": "150.20",
         "age_0_30": "-50.00", "age_31_60": "0.00", "age_61_90": "200.20", "age_91_up": "0.00",
         "holdback": "0.00", "forecast": "0.00", "currency": "USD", "dq_flag": "ok"},
        {"study": "ONC-101", "category": "other", "budget": "0.00", "earned": "50.00",
         "invoiced": "0.00", "received": "0.00", "outstanding": "0.00", "age_0_30": "0.00",
         "age_31_60": "0.00", "age_61_90": "0.00", "age_91_up": "0.00", "holdback": "0.00",
         "forecast": "50.00", "currency": "USD", "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "category": "procedure", "budget": "600.15",
         "earned": "200.05", "invoiced": "0.00", "received": "0.00", "outstanding": "0.00",
         "age_0_30": "0.00", "age_31_60": "0.00", "age_61_90": "0.00", "age_91_up": "0.00",
         "holdback": "0.00", "forecast": "1000.25", "currency": "EUR", "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "category": "startup", "budget": "5000.00",
         "earned": "5000.00", "invoiced": "5000.00", "received": "5000.00",
         "outstanding": "0.00", "age_0_30": "0.00", "age_31_60": "0.00", "age_61_90": "0.00",
         "age_91_up": "0.00", "holdback": "0.00", "forecast": "5000.00", "currency": "USD",
         "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "category": "visit", "budget": "10001.00",
         "earned": "1000.30", "invoiced": "1000.10", "received": "108.25",
         "outstanding": "891.85", "age_0_30": "891.85", "age_31_60": "0.00", "age_61_90": "0.00",
         "age_91_up": "0.00", "holdback": "100.01", "forecast": "5001.50", "currency": "USD",
         "dq_flag": "ok"},
    ]  # fmt: skip
