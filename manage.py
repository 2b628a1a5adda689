#!/usr/bin/env python
import os
import sys

# They change tables, or rows that nobody may change afterwards, or read all there is: they connect as the owner of the tables.
AS_OWNER = {"backup", "flush", "grant_roles", "migrate", "restore", "seed"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    if AS_OWNER.intersection(sys.argv[1:2]):
        os.environ.setdefault("DATABASE_AS_OWNER", "True")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
