"""`make bench`: how fast the clinic answers, on servers of its own that are as durable as in production.

    __main__    the command: a throwaway clinic, the chapters one after the other, the table and the JSON
    chapter     what a chapter is, what it measures, and its goals
    chapters/   one module per subject
    timing      many requests and what they took
    people      made-up patients by the million
    report      the table, the plans, the JSON under bench/

The servers and sites are those of `make prove`.
"""
