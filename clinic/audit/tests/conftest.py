import pytest
from django.conf import settings

from clinic.audit import anchors
from clinic.audit.models import Topic
from clinic.core import mongo


@pytest.fixture
def empty_collections():
    """What the audit keeps in MongoDB, empty, and emptied again: events fall with a test's transaction, documents do not."""
    _empty()
    yield
    _empty()


def _empty():
    if settings.MONGODB_URL:
        for name in (*Topic.values, anchors.COLLECTION):
            mongo.database()[name].delete_many({})
