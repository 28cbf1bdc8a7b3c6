"""Saves the whole database as of one moment, and puts a saved one in the place of another."""
