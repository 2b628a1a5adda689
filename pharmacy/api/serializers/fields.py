"""What several bodies are made of."""

from rest_framework import serializers

from clinic.core.serializers import PublicIdField
from pharmacy.rules.quantities import MAX_QUANTITY


class VisibleIdField(PublicIdField):
    """A row by its public id, among those that the caller may see."""

    def get_queryset(self):
        return super().get_queryset().visible_to(self.context["request"].user)


class WholeNumberField(serializers.IntegerField):
    """A JSON integer: 5, not 5.0 and not true."""

    def to_internal_value(self, data):
        if isinstance(data, bool | float):
            self.fail("invalid")
        return super().to_internal_value(data)


def quantity_field(**kwargs) -> serializers.IntegerField:
    return WholeNumberField(**({"min_value": 1, "max_value": MAX_QUANTITY} | kwargs))


def unit_cost_field(**kwargs):
    return serializers.DecimalField(max_digits=12, decimal_places=4, min_value=0, **kwargs)


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


class WitnessInput(serializers.Serializer):
    """The second person at a controlled medicine."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
