"""How much the service costs beside its database, beside its peers, and as the data grows.

`make bench` and `make bench-scale` run it; docs/performance.md tells what is measured and how, and
has the figures of a run.

    servers.py    the servers: ours and the peers, each a process of its own
    peers/        floor.py, textbook.py, modern.py: the other three services
    data.py       the tasks and users that all of them read, made of the words in vocabulary.py
    calls.py      the requests, and what their answers must be
    load.py       the client, in a process of its own; it also reads the processors' time
    measure.py    one call on one server, and the medians of several rounds
    compare.py    `make bench`: all four in turn
    scale.py      `make bench-scale`: ours on 10,000 to 1,000,000 tasks
    targets.py    what the figures must reach
    tables.py, picture.py, keeping.py    the figures as text, as SVG, and where they are kept
"""
