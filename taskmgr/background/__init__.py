"""The background process: the work that follows the log, beside the requests.

`process` opens the database and runs the work until it is told to stop; `work` runs the sequencer and the
jobs while this process holds the lease; `jobs` lists the jobs.
"""
