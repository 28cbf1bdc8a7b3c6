"""Runs the MongoDB server that the service starts itself.

`database.py` decides when the server starts and stops, and `mongod.py` starts and stops it. The other
modules know its binary, its folder and its wire protocol.
"""
