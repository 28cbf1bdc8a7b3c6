"""The content of the demo: a small team, its projects, and two months of its work.

A team's policy may rename the statuses, so a task only has the category of its last status, and
`data` chooses the status. Times are in days before now, with fractions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from taskmgr.domain.model.workflow import Category

WAITING, GOING, DONE, DROPPED = Category

# username, name, role, kind
TEAM = (
    ("nora.lind", "Nora Lind", "manager", "person"),
    ("tomas.weber", "Tomás Weber", "manager", "person"),
    ("amira.haddad", "Amira Haddad", "member", "person"),
    ("jonas.berg", "Jonas Berg", "member", "person"),
    ("priya.nair", "Priya Nair", "member", "person"),
    ("luca.romano", "Luca Romano", "member", "person"),
    ("grace.okafor", "Grace Okafor", "viewer", "person"),
    ("ci-bot", "CI robot", "member", "service"),
)
LEAD = "nora.lind"

# key, name, description
PROJECTS = (
    ("WEB", "Customer portal", "The portal in which customers order, and look at their invoices."),
    ("BILL", "Billing", "Invoices, reminders and payments."),
    ("OPS", "Operations", "Servers, networks and alerts."),
    ("MOVE", "Move to the new office", "Done when the old office is handed over."),
)
ARCHIVED = (("MOVE", 40.0),)  # the key, and how many days ago


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A change of a task other than of its status: of `fields`, of the assignee (`to`) or of the due date."""

    ago: float
    by: str = LEAD
    fields: tuple[tuple[str, object], ...] = ()
    to: str | None = None
    due: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One task: created by `by` and assigned to `to`, `ago` days ago; in its last status for `settled` days.

    `due` is in days from now: an integer for a date, a float for a time. `reopen_reason` is the reason for
    reopening the completed task. `binned` is when it was moved to the bin. Other tasks refer to
    it by its `name`, as their `parent` or as a blocker (`after`). `project` is the key of its project; None
    means the default one.
    """

    title: str
    by: str
    to: str | None
    ends: Category
    ago: float
    settled: float
    due: float | None = None
    priority: str = "medium"
    labels: tuple[str, ...] = ()
    description: str = ""
    reason: str | None = None
    reopen_reason: str | None = None
    binned: float | None = None
    name: str | None = None
    parent: str | None = None
    after: tuple[str, ...] = ()
    project: str | None = None
    edits: tuple[Edit, ...] = ()
    comments: tuple[tuple[float, str, str], ...] = ()  # days ago, username, text


_N, _T = "nora.lind", "tomas.weber"
_A, _J, _P, _L, _BOT = "amira.haddad", "jonas.berg", "priya.nair", "luca.romano", "ci-bot"

_WEB = (
    Work("Relaunch the customer portal", _N, _A, GOING, 52, 30, due=21, priority="high",
         labels=("portal",), name="portal",
         description="New design, sign-in with the company account, invoices to download.\n\n"
         "**Done when** the ten pilot customers have used it for a week without calling support."),
    Work("Collect what pilot customers miss in the old portal", _N, _A, DONE, 50, 44,
         labels=("portal", "customer"), parent="portal", name="wishes"),
    Work("Agree on the navigation with support", _A, _A, DONE, 43, 37, labels=("portal",),
         parent="portal", after=("wishes",)),
    Work("Sign-in with the company account", _N, _P, DONE, 40, 18, due=-15, priority="high",
         labels=("portal", "security"), parent="portal", name="signin",
         edits=(Edit(ago=30, to=_J, reason="Priya is on the invoices until the end of the month"),),
         comments=((35, _N, "Please keep the old passwords working until the pilot is over."),
                   (19, _J, "Done; guests without an account still get a link by mail."))),
    Work("Show invoices as PDF", _N, _P, GOING, 33, 4, due=3, priority="high", project="BILL",
         labels=("portal", "billing"), parent="portal", name="pdf"),
    Work("Download all invoices of a year at once", _P, _P, WAITING, 20, 19, due=12, project="BILL",
         labels=("portal", "billing"), parent="portal", after=("pdf",)),
    Work("Test the portal with a screen reader", _A, _A, GOING, 12, 2, due=5,
         labels=("portal", "accessibility"), parent="portal"),
    Work("Contrast of the status badges is too low", _A, _L, DONE, 9, 6, labels=("portal", "bug"),
         description="3.2 : 1 for grey on white; WCAG asks for 4.5 : 1."),
    Work("Portal forgets the language after sign-in", _J, _J, DONE, 16, 13, priority="high",
         labels=("portal", "bug"), reopen_reason="It comes back in Safari, see the customer's video"),
    Work("Session ends while a form is being filled in", _P, _J, GOING, 7, 1.5, due=1, priority="high",
         labels=("portal", "bug"),
         edits=(Edit(ago=4.9, by=_J, fields=(("project", "OPS"),), reason="It is the proxy, not the portal"),
                Edit(ago=2, fields=(("priority", "urgent"),), reason="Two customers lost an order")),
         comments=((5, _J, "Happens after exactly 20 minutes: the proxy's timeout, not ours."),
                   (1.6, _P, "Lindqvist AB lost an order again this morning."))),
    Work("Dark mode for the portal", _L, None, DROPPED, 34, 28, priority="low", labels=("portal",),
         reason="None of the pilot customers asked for it",
         comments=((28.1, _L, "Fine with me, the new colours are calm enough."),)),
    Work("Write the release notes for pilot customers", _T, _A, WAITING, 6, 5, due=18,
         labels=("portal", "docs"), after=("pdf",)),
    Work("Remove the old portal's subdomain", _T, None, WAITING, 15, 15, labels=("portal",),
         after=("portal",)),
)  # fmt: skip
_BILL = (
    Work("Send reminders for unpaid invoices", _T, _P, DONE, 48, 31, priority="high",
         labels=("billing",), name="reminders"),
    Work("Second reminder shows the wrong amount", _P, _P, DONE, 26, 24, priority="high", due=-23,
         labels=("billing", "bug"),
         edits=(Edit(ago=25.5, by=_T, fields=(("priority", "urgent"),), reason="Goes out on Monday"),)),
    Work("Round VAT per line as the tax office asks", _T, _P, GOING, 21, 3, due=-2, priority="high",
         labels=("billing", "legal"),
         edits=(Edit(ago=10, by=_T, due=-2, reason="The auditor wants it before he comes"),),
         comments=((15, _P, "Differs by a cent in 3 of 1,000 invoices of last year."),
                   (9, _T, "Good enough as evidence. Let us round per line from next month on."))),
    Work("Change the payment provider", _N, _T, GOING, 38, 14, due=40, labels=("billing",), name="provider",
         description="The contract ends on the last day of the quarter after next."),
    Work("Compare three payment providers", _T, _T, DONE, 37, 27, labels=("billing",), parent="provider",
         name="compare"),
    Work("Negotiate the fees", _T, _T, GOING, 24, 5, due=8, labels=("billing",), parent="provider",
         after=("compare",), name="fees",
         comments=((12, _T, "Their offer: 1.1 % and 20 cents. Two of three would go below 1 %."),)),
    Work("Connect the provider's test system", _T, _J, WAITING, 22, 21, due=25,
         labels=("billing",), parent="provider", after=("fees",), name="connect"),
    Work("Migrate the saved cards", _T, None, WAITING, 22, 22, labels=("billing", "security"),
         parent="provider", after=("connect",)),
    Work("Export for the accountant in the new format", _T, _P, DONE, 19, 11, labels=("billing",)),
    Work("Credit notes for partial deliveries", _P, None, WAITING, 11, 10, due=28, labels=("billing",)),
    Work("Invoices in Swedish kronor", _T, None, DROPPED, 41, 36, labels=("billing",),
         reason="The customer in Malmö pays in euros now"),
    Work("Dunning letters by post", _P, None, DROPPED, 29, 23, priority="low", labels=("billing",),
         reason="Costs more than it brings in"),
    Work("Check last month's direct debit mandates", _T, _P, WAITING, 3, 3, due=0.25, labels=("billing",)),
)  # fmt: skip
_OPS = (
    Work("Move the database to three machines", _N, _L, DONE, 46, 22, priority="high",
         labels=("operations",), name="replica"),
    Work("Rehearse the restore from last night's backup", _L, _L, DONE, 21, 17, due=-16,
         labels=("operations", "security"), after=("replica",),
         comments=((17.5, _L, "Took 41 minutes for 12 GB. The hard part was finding the key."),)),
    Work("Renew certificates automatically", _L, _L, DONE, 39, 33, labels=("operations",)),
    Work("Disk of the mail server is 92 % full", _BOT, _L, DONE, 14, 13.4, due=-13, priority="high",
         labels=("operations", "alert")),
    Work("Nightly build fails on the new runner", _BOT, _L, GOING, 4, 1.2, due=-1, priority="high",
         labels=("operations", "alert")),
    Work("Response time of the search above 800 ms", _BOT, _J, WAITING, 2, 2, priority="high",
         labels=("operations", "alert")),
    Work("Replace the two oldest switches", _L, _L, GOING, 27, 8, due=14, labels=("operations", "office")),
    Work("Log in to servers with hardware keys", _N, _L, WAITING, 25, 20, due=30, priority="high",
         labels=("operations", "security")),
    Work("Write down who is on call over the holidays", _N, _N, DONE, 10, 7, labels=("operations",)),
    Work("Send alerts at night only for emergencies", _L, _L, DONE, 31, 26, labels=("operations",)),
    Work("Try the new container registry", _L, _L, DROPPED, 18, 15, priority="low",
         labels=("operations",), reason="Its licence changed; we stay with ours"),
    Work("Update dependencies with known vulnerabilities", _BOT, _J, GOING, 5, 0.8, due=0, priority="high",
         labels=("security",)),
    Work("Load test before the relaunch", _N, _J, WAITING, 13, 12, due=16, labels=("operations", "portal"),
         after=("pdf",)),
    Work("Second test system for the support team", _T, None, WAITING, 17, 17, labels=("operations",)),
)  # fmt: skip
_MOVE = (
    Work("Sign the lease of the new office", _N, _N, DONE, 59, 56, priority="high", name="lease"),
    Work("Plan the network of the new office", _N, _L, DONE, 57, 52, labels=("network",),
         after=("lease",)),
    Work("Tell customers and suppliers the new address", _T, _A, DONE, 56, 48),
    Work("Move the servers over a weekend", _N, _L, DONE, 55, 47, priority="high", labels=("network",),
         comments=((47.2, _L, "Everything was up again on Sunday at 4 p.m."),)),
    Work("Paint the meeting room", _A, None, DROPPED, 54, 49, priority="low",
         reason="The landlord has it painted"),
    Work("Hand the old office over", _N, _T, DONE, 53, 42, priority="high"),
)  # fmt: skip
_OTHER = (
    # Support and customers
    Work("Delivery address with more than four lines is cut off", _P, _J, DONE, 23, 20,
         labels=("support", "bug")),
    Work("Answer Lindqvist AB about the missing pallets", _T, _A, DONE, 5, 4, due=-3, priority="high",
         labels=("support", "customer")),
    Work("Template for questions about returns", _A, _A, GOING, 8, 2.5, due=6, labels=("support",)),
    Work("Customers cannot cancel an order after 6 p.m.", _N, _L, GOING, 10, 3.5, due=-4, priority="high",
         labels=("support", "bug"),
         edits=(Edit(ago=6, to=_J, reason="Luca is off sick"),),
         comments=((3.6, _J, "It compares local time with UTC."),)),
    Work("Call the five customers who left this year", _N, _T, WAITING, 14, 14, due=10,
         labels=("customer",)),
    Work("Survey after every closed ticket", _A, None, WAITING, 28, 26, priority="low", labels=("support",)),
    Work("Train support on the new portal", _T, _A, WAITING, 9, 8, due=20, labels=("support", "portal"),
         after=("portal",)),
    Work("Duplicate tickets from the contact form", _A, _J, DONE, 36, 32, labels=("support", "bug")),
    Work("Chat window on the website", _A, None, DROPPED, 44, 40, labels=("support",),
         reason="Nobody could answer it outside office hours"),
    # Docs, people, office
    Work("Describe the order interface for partners", _J, _P, GOING, 16, 6, due=9, labels=("docs",)),
    Work("Onboarding list for new colleagues", _N, _N, DONE, 30, 25, labels=("people",), name="onboarding"),
    Work("Job advert for a second support colleague", _N, _N, DONE, 28, 21, labels=("people",),
         name="advert"),
    Work("Interviews for support", _N, _N, GOING, 20, 9, due=4, labels=("people",), after=("advert",)),
    Work("Laptop and accounts for the new colleague", _N, _L, WAITING, 6, 6, due=19, labels=("people",)),
    Work("Book rooms for the team days", _T, _T, DONE, 24, 16, labels=("office",)),
    Work("Plan the team's evening out", _N, _A, WAITING, 12, 11, due=33, priority="low", labels=("office",)),
    Work("Coffee machine no longer descales itself", _L, _L, DONE, 11, 9, priority="low", labels=("office",)),
    Work("Clean up the shared drive", _T, None, WAITING, 40, 39, priority="low", labels=("office",)),
    Work("Glossary of our product names", _A, None, WAITING, 35, 34, priority="low", labels=("docs",)),
    # What went to the bin
    Work("test test", _J, None, WAITING, 26, 26, binned=25.9),
    Work("Order new business cards (duplicate)", _N, None, WAITING, 13, 13, binned=12.8,
         labels=("office",)),
)  # fmt: skip

STORY = tuple(
    replace(task, project=task.project or project)
    for project, tasks in (("WEB", _WEB), ("BILL", _BILL), ("OPS", _OPS), (None, _OTHER), ("MOVE", _MOVE))
    for task in tasks
)
