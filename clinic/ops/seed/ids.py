from uuid import UUID, uuid5

_NAMESPACE = UUID("5a3c2a55-6f2e-4f0e-8d54-0f6d3a1b7c90")


def seed_id(*parts) -> UUID:
    """The id of one thing of the demo clinic: the same in every run, so that nothing is made twice."""
    return uuid5(_NAMESPACE, ":".join(str(part) for part in parts))
