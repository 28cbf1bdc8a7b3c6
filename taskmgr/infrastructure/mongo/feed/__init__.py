"""The feed: how the entries of the log are numbered in commit order, and the streams that it is read from."""
