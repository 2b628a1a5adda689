"""`make prove`: races and faults against the real server, each with a control that has to fail.

    __main__    the command: a throwaway clinic, the chapters one after the other, the report
    fleet       keeps the servers running, and kills, stalls and holds them down when told to
    stack       the servers of the run; a site is one clinic on a database of its own
    reference   the people and hours that every site begins with (a process of its own: it loads Django)
    client      requests over HTTP, classed, and repeated until their outcome is known
    crowd       many clients at once
    chapter     what a chapter is, and how it and its controls are run and judged
    chapters/   one module per invariant
    unguarded   the server of the controls: the product with one guard taken out
    report      the table, and docs/proof.md

Nothing here uses the product's code to judge it: what counts is what SQL finds in the tables.
"""
