"""Runs the MongoDB server that the service starts itself.

`database.py` decides when the server starts and stops, `mongod.py` starts and stops it; the others know
its binary, its folder and its wire protocol.
"""
