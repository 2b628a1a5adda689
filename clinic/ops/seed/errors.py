class SeedRefused(Exception):
    """The demo clinic cannot be filled in; the sentence says why."""
