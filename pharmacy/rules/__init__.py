"""Decisions of the pharmacy: data in, decision out. No database, no clock."""
