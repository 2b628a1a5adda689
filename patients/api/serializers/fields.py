from rest_framework import serializers


class TextField(serializers.CharField):
    """Text that may be left out or empty; null means empty."""

    def __init__(self, **kwargs):
        super().__init__(**{"required": False, "allow_blank": True, **kwargs})

    def run_validation(self, data=serializers.empty):
        return super().run_validation("" if data is None and not self.required else data)


class ChoiceOrBlankField(serializers.ChoiceField):
    """One of the choices, or nothing; null means nothing."""

    def __init__(self, choices, **kwargs):
        super().__init__(choices, required=False, allow_blank=True, **kwargs)

    def run_validation(self, data=serializers.empty):
        return super().run_validation("" if data is None else data)


class EmailOrBlankField(TextField, serializers.EmailField):
    """An e-mail address or nothing."""


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=200)
