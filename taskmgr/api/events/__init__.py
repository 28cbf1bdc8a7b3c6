"""Server-sent events: the newest events of the feed in memory, and the clients that follow them.

`ring` holds the newest events, `hub` fills it while somebody follows or waits, `stream` is one client's
stream, and `minder` bounds and ends the streams of a worker.
"""
