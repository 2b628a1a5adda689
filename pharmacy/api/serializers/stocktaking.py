"""Stock takes."""

from rest_framework import serializers

from clinic.core.serializers import PublicIdField
from pharmacy.api.serializers.fields import WholeNumberField
from pharmacy.models import CountLine, StockTake, Store
from pharmacy.services.ledger import MOST_ON_HAND
from pharmacy.services.stocktaking import LISTS, MOST_BATCHES


class CountLineSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    batch = PublicIdField(read_only=True)
    lot = serializers.CharField(source="batch.lot", read_only=True)
    store_name = serializers.CharField(source="batch.store.name", read_only=True)
    medicine_name = serializers.CharField(source="batch.medicine.name", read_only=True)
    moved = serializers.IntegerField(read_only=True, allow_null=True, help_text="Units that came or went before the count.")
    variance = serializers.IntegerField(read_only=True, allow_null=True, help_text="Counted less what was on hand then.")

    class Meta:
        model = CountLine
        fields = ["id", "batch", "lot", "store_name", "medicine_name", "expected", "counted", "moved", "variance"]
        read_only_fields = fields


class StockTakeSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    opened_by_name = serializers.CharField(source="opened_by", read_only=True)
    closed_by_name = serializers.CharField(source="closed_by", read_only=True, allow_null=True)

    class Meta:
        model = StockTake
        fields = ["id", "title", "state", "opened_at", "opened_by_name", "closed_at", "closed_by_name"]
        read_only_fields = fields


class StockTakeSheetSerializer(StockTakeSerializer):
    lines = CountLineSerializer(many=True, read_only=True)

    class Meta(StockTakeSerializer.Meta):
        fields = [*StockTakeSerializer.Meta.fields, "lines"]
        read_only_fields = fields


class StockTakeInput(serializers.Serializer):
    which = serializers.ChoiceField(list(LISTS.items()))
    search = serializers.CharField(max_length=80, required=False, allow_blank=True, default="", help_text="Words of a medicine's name.")
    store = PublicIdField(queryset=Store.objects.all(), required=False, allow_null=True, default=None)


class CountOfLineInput(serializers.Serializer):
    line = serializers.UUIDField()
    counted = WholeNumberField(min_value=0, max_value=MOST_ON_HAND)


class CountsInput(serializers.Serializer):
    counts = CountOfLineInput(many=True, allow_empty=False, max_length=MOST_BATCHES)
