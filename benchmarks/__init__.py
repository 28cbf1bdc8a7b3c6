"""Measures what a request to the service costs, compared with two other services and as the data grows.

Run it with `make bench` and `make bench-scale`. docs/performance.md describes what is measured and
how, and shows the results of a run.

    servers.py    starts the servers, taskmgr and its peers, each in a process of its own
    peers/        the three other services, and what all of them do besides: duties.py
    data.py       generates the tasks and users that all servers read, from the words in vocabulary.py
    calls.py      the requests, and the status that their responses must have
    load.py       the client, in a process of its own; it also reads the CPU time of the servers
    measure.py    measures one call on one server, and computes the medians of several rounds
    compare.py    `make bench`: taskmgr and its peers on the same data
    scale.py      `make bench-scale`: taskmgr on 10,000 to 1,000,000 tasks
    targets.py    the ratios that must not be exceeded
    tables.py     formats the figures as Markdown tables
    picture.py    draws the figures as SVG
    results.py    saves the figures, and has the options that both benchmarks share

A new call goes into `CALLS` of calls.py, and into every peer that should support it.
"""
