"""The words from which the tasks of the benchmarks are generated."""

LABELS = (
    "backend", "billing", "bug", "customer", "design", "docs", "frontend", "infra", "legal", "mobile",
    "onboarding", "payments", "performance", "quick-win", "release", "reporting", "search", "security",
    "support", "tests",
)  # fmt: skip
VERBS = ("Add", "Check", "Describe", "Fix", "Measure", "Move", "Plan", "Remove", "Replace", "Review")
NOUNS = (
    "account", "address", "alert", "archive", "backup", "button", "calendar", "contract", "customer",
    "dashboard", "delivery", "discount", "export", "filter", "form", "import", "index", "invoice",
    "letter", "login", "mailbox", "margin", "notice", "order", "page", "password", "payment", "printer",
    "quote", "receipt", "refund", "report", "schedule", "server", "shipment", "signature", "statement",
    "stock", "table", "translation", "upload", "voucher", "warehouse", "website",
)  # fmt: skip
WORDS = (
    *NOUNS, "after", "again", "already", "because", "before", "between", "breaks", "changed", "could",
    "during", "every", "fails", "first", "follows", "however", "instead", "later", "missing", "needs",
    "never", "nobody", "often", "shows", "since", "slowly", "sometimes", "still", "twice", "under",
    "until", "usually", "wants", "where", "which", "while", "without", "works", "wrong",
)  # fmt: skip
# Occurs in one task of five hundred, to measure a full-text search with few results.
RARE_WORD = "zanzibar"
