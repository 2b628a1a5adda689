"""A whole copy of the clinic's data in one folder, and the way back.

PostgreSQL's rows are of one moment. MongoDB is read after it, and what is younger than that moment is left out.
Redis holds nothing that these two do not: a restore builds its queues anew.
"""
