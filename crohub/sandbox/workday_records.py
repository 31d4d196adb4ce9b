"""The staff of the made-up institution as its HR system's report of workers shows them."""

from __future__ import annotations

from crohub.sandbox.people import DEPARTMENTS, Employee
from crohub.sandbox.workday import Row, Tenant
from crohub.sandbox.world import World

REPORT = "ISU_hub/Workers"


def tenant() -> Tenant:
    """A tenant that has nobody yet; who asks signs in as the hub."""
    return Tenant(
        name="cedarmesa", user="ISU_hub", password="made-up",  # noqa: S106 - of nobody
        reports={REPORT: []},
    )  # fmt: skip


def fill(tenant: Tenant, world: World) -> None:
    """The report as it is today: everybody, leavers included."""
    tenant.reports[REPORT] = [worker(one) for one in world.employees.values()]


def worker(one: Employee) -> Row:
    """One line of the report."""
    return {
        "Employee_ID": one.id,
        "Legal_Name_-_First_Name": one.given,
        "Legal_Name_-_Last_Name": one.family,
        "Email": one.email,
        "Business_Title": one.job,
        "Position_ID": f"P-{one.id}",
        "Supervisory_Org": DEPARTMENTS[one.department],
        "FTE": one.fte,
        "Worker_Status": "Terminated" if one.left else "Active",
        "Hire_Date": one.hired.isoformat(),
        "Termination_Date": one.left.isoformat() if one.left else "",
    }
