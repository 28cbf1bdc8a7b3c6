"""The services that ours is held against. They run in an environment of their own, .venv-bench."""
