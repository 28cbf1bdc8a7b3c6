"""A table of faults: each strikes a running service under load, and nothing that was acknowledged is lost.

`stages` has the services and databases that faults strike, `faults` the table, `load` what clients do
meanwhile, `oracle` what must hold afterwards, and `runs` combines them. `make test-faults` runs all of it.
"""
