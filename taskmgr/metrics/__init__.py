"""What the processes of the service count about themselves, for Prometheus.

Each process writes its numbers to files in a folder of the service (`folder`), and the background process
adds them up when it is asked (`listener`). A process that has no such folder, such as a test, keeps its
numbers to itself.
"""
