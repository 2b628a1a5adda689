from rest_framework import serializers

from patients.api.serializers.fields import TextField


class NoteInput(serializers.Serializer):
    """Sizes, keys and values of observations are checked by the service."""

    text = TextField()
    observations = serializers.JSONField(required=False, default=dict)
    tags = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    amends = serializers.UUIDField(required=False, allow_null=True, help_text="The note that this is a new version of.")


class NoteSearch(serializers.Serializer):
    """Query parameters of the list."""

    search = serializers.CharField(max_length=100, help_text='Words, "a phrase", or, -without.')


class PredecessorNoteInput(NoteInput):
    record_uuid = serializers.UUIDField()
    patient = serializers.UUIDField()


class NoteSerializer(serializers.Serializer):
    """A note as it was read: its text is null while it cannot be read, which `state` explains."""

    id = serializers.UUIDField(source="header.public_id")
    record_uuid = serializers.UUIDField(source="header.encounter.public_id")
    patient = serializers.UUIDField(source="header.encounter.patient.public_id")
    thread = serializers.UUIDField(source="header.thread", help_text="The id of the first version.")
    version = serializers.IntegerField(source="header.number")
    author = serializers.UUIDField(source="header.author.public_id")
    author_name = serializers.CharField(source="header.author")
    text = serializers.CharField(allow_null=True)
    observations = serializers.JSONField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(), allow_null=True)
    state = serializers.CharField()
    sha256 = serializers.CharField(source="header.sha256")
    written_at = serializers.DateTimeField(source="header.written_at")
