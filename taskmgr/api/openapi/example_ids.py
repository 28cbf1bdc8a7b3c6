"""Lists the ids in the examples."""

TASK = "6920a1f47b3e5d0c9a8f1e01"
BLOCKER = "6920a1f47b3e5d0c9a8f1e02"
COMMENT = "6920a1f47b3e5d0c9a8f1e03"
USER = "6920a1f47b3e5d0c9a8f1e04"
TOKEN = "6920a1f47b3e5d0c9a8f1e05"  # noqa: S105 - an id
CHANGE_SET = "6920a1f47b3e5d0c9a8f1e06"
ITEM = "6920a1f47b3e5d0c9a8f1e0a"
OTHER_USER = "6920a1f47b3e5d0c9a8f1e0b"
SESSION = "6920a1f47b3e5d0c9a8f1e0c"
LINK = "6920a1f47b3e5d0c9a8f1e0d"
ACCOUNT = "6920a1f47b3e5d0c9a8f1e0e"
LINK_TEXT = f"tml_{LINK}_HqV0u3mE8kq2yXo5bZc7dRf1tJw9LnPsGaK4iUvTe6M"
PASSWORD = "correct horse battery"  # noqa: S105 - an example
PROJECT = "6920a1f47b3e5d0c9a8f1e08"
WEBHOOK = "6920a1f47b3e5d0c9a8f1e09"
VIEW = "6920a1f47b3e5d0c9a8f1e0e"
DELIVERY = f"{WEBHOOK}:1"
PROJECT_KEY, TASK_KEY, BLOCKER_KEY = "OPS", "OPS-17", "OPS-12"
PATH_IDS = {
    "task_id": TASK_KEY,
    "blocker_id": BLOCKER_KEY,
    "comment_id": COMMENT,
    "project_id": PROJECT_KEY,
    "user_id": USER,
    "token_id": TOKEN,
    "webhook_id": WEBHOOK,
    "delivery_id": DELIVERY,
    "session_id": SESSION,
    "view_id": VIEW,
    "account_id": ACCOUNT,
}
