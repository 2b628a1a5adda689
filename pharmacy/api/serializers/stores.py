"""Where stock stands, and what is carried between."""

from rest_framework import serializers

from clinic.accounts.models import Facility
from clinic.core.serializers import PublicIdField
from pharmacy.api.serializers.fields import WitnessInput, quantity_field
from pharmacy.models import Batch, StockTransfer, Store


class StoreSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    facility = PublicIdField(queryset=Facility.objects.all(), required=False, allow_null=True)
    is_default = serializers.BooleanField(read_only=True, help_text="Deliveries go there unless another one is named.")

    class Meta:
        model = Store
        fields = ["id", "name", "kind", "facility", "is_default"]
        validators = []  # the service names the duplicate


class StoreChangeInput(StoreSerializer):
    class Meta(StoreSerializer.Meta):
        fields = ["name", "facility"]


class StockTransferSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = serializers.UUIDField(source="source.medicine.public_id", read_only=True)
    medicine_name = serializers.CharField(source="source.medicine.name", read_only=True)
    lot = serializers.CharField(source="source.lot", read_only=True)
    from_batch = serializers.UUIDField(source="source.public_id", read_only=True)
    from_store = serializers.UUIDField(source="source.store.public_id", read_only=True)
    from_store_name = serializers.CharField(source="source.store.name", read_only=True)
    to_batch = serializers.UUIDField(source="target.public_id", read_only=True)
    to_store = serializers.UUIDField(source="target.store.public_id", read_only=True)
    to_store_name = serializers.CharField(source="target.store.name", read_only=True)
    by_name = serializers.CharField(source="transferred_by", read_only=True)

    class Meta:
        model = StockTransfer
        fields = [
            "id", "transferred_at", "medicine", "medicine_name", "lot", "quantity", "from_batch", "from_store", "from_store_name",
            "to_batch", "to_store", "to_store_name", "by_name",
        ]  # fmt: skip
        read_only_fields = fields


class StockTransferInput(serializers.Serializer):
    batch = PublicIdField(queryset=Batch.objects.all(), help_text="What it is taken from.")
    store = PublicIdField(queryset=Store.objects.all(), help_text="Where it goes.")
    quantity = quantity_field()
    witness = WitnessInput(required=False, write_only=True)
