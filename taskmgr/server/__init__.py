"""The running service: how it starts, and the gunicorn processes that it consists of.

`startup` opens everything and hands over to gunicorn. `application` configures gunicorn and builds the WSGI
application; `master` and `worker` are its two kinds of process, and `gunicorn_log` its log. What only one of
them needs (the listening socket, the secret key, signals, the database watch) has a module of its own.
Only `cli/serve.py` imports this package.
"""
