from rest_framework import serializers


class PublicIdField(serializers.SlugRelatedField):
    """A row by its public id. One that the caller may not see (outside the queryset) is as unknown as a made-up one."""

    default_error_messages = {"does_not_exist": "Not found.", "invalid": "Not a valid id."}

    def __init__(self, **kwargs):
        super().__init__(slug_field="public_id", **kwargs)

    def to_internal_value(self, data):
        try:
            return serializers.UUIDField().to_internal_value(data) and super().to_internal_value(data)
        except serializers.ValidationError:
            raise
        except (TypeError, ValueError):
            self.fail("invalid")


class MoneyField(serializers.DecimalField):
    """An amount of the clinic's currency: a string with two decimals; not negative unless said so."""

    def __init__(self, **kwargs):
        super().__init__(**{"max_digits": 12, "decimal_places": 2, "min_value": 0, **kwargs})
