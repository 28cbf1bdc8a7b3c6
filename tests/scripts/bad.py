"""Makes one mistake on every line that says so, each of which a type checker finds."""

import taskmgr

with taskmgr.connect() as services:
    ada = services.actor("ada")
    services.tasks.create(titel="Write the report", by=ada)  # mistake
    services.tasks.create(title="Write the report", priority=7, by=ada)  # mistake
    services.tasks.create(title="Write the report", labels="audit", by=ada)  # mistake
    services.tasks.create(title="Write the report", labels={"audit"}, by=ada)  # mistake
    services.tasks.create(title="Write the report", by="ada")  # mistake
    services.tasks.change("id", {"titel": "Write the report"}, by=ada)  # mistake
    services.tasks.change("id", {"blocked_by": frozenset({"other"})}, by=ada)  # mistake
    services.tasks.change("id", {"title": "Write the report"}, raeson="Why", by=ada)  # mistake
    services.tasks.change("id", {"title": "Write the report"}, version="1", by=ada)  # mistake
    services.tasks.change_status("id", status="completed", raeson="Why", by=ada)  # mistake
    services.tasks.change_status("id", status="completed", version="1", by=ada)  # mistake
    services.tasks.change_priority("id", priority=7, by=ada)  # mistake
    services.tasks.change_priority("id", priority="high", raeson="Why", by=ada)  # mistake
    services.tasks.assign("id", assignee_id=3, by=ada)  # mistake
    services.tasks.assign("id", assignee_id=None, overide=True, by=ada)  # mistake
    services.tasks.block("id", "other", raeson="Why", by=ada)  # mistake
    services.tasks.unblock("id", "other", version="1", by=ada)  # mistake
    services.tasks.bin("id", version="1", by=ada)  # mistake
    services.tasks.restore("id", raeson="Why", by=ada)  # mistake
    services.projects.create(kee="OPS", name="Operations", by=ada)  # mistake
    services.projects.create(key="OPS", name="Operations", is_default=True, by=ada)  # mistake
    services.projects.change("OPS", {"archived": "yes"}, by=ada)  # mistake
    services.projects.change("OPS", {"key": "WEB"}, by=ada)  # mistake
    services.projects.change("OPS", {"name": "Operations"}, version="1", by=ada)  # mistake
    services.projects.get(17, by=ada)  # mistake
    services.tasks.create(title="Write the report", project=17, by=ada)  # mistake
    services.users.create(username="eve", nmae="Eve", by=ada)  # mistake
    services.users.create(username="eve", name="Eve", role=3, by=ada)  # mistake
    services.users.change("id", {"activ": False}, by=ada)  # mistake
    services.users.change("id", {"active": False}, version="1", by=ada)  # mistake
    services.tokens.create(nmae="nightly", by=ada)  # mistake
    services.tokens.create(name="nightly", scopes="tasks:read", by=ada)  # mistake
    services.bulk.run([{"op": "creat", "title": "Write the report"}], by=ada)  # mistake
    services.bulk.run([{"op": "create", "titel": "Write the report"}], by=ada)  # mistake
    services.bulk.run([{"op": "assign", "id": "id", "assignee_id": 3}], by=ada)  # mistake
    services.bulk.change_where(taskmgr.TaskQuery(), {"priority": 7}, expect=1, by=ada)  # mistake
    services.comments.create("id", txet="Done", by=ada)  # mistake
    services.comments.change("id", "other", text="Done", version="1", by=ada)  # mistake
    taskmgr.TaskQuery(lables=("audit",))  # mistake
    print(services.tasks.get("id", by=ada).titel)  # mistake
    print(taskmgr.Tsak)  # mistake
