"""The services that taskmgr is compared with. They run in an environment of their own, .venv-bench."""
