"""Starts, watches and stops the data servers that a bare machine lacks.

Knows nothing of Django: it must work before the settings can be read, and the settings need its URLs.

    stores.plan()   which server answers for each store: a URL from the environment, or an own one
    postgres, valkey, mongodb   one own server each: where its binary is, how it is set up and started
    supervisor      starts them, restarts those that die, stops them in order
    data_dir        the folder that holds data, passwords, ports, logs and the lock
"""
