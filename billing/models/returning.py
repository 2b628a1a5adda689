import pgtrigger
from django.db import models
from django.db.models import Q

from billing.models.triggers import AtCommit, Proven
from clinic.core.triggers import AppendOnly, refusal


class ReturnFits(Proven):
    """What is credited as returned came back of what the line charged for."""

    proof = """SELECT FROM pharmacy_stockmovement movement
                  JOIN pharmacy_dispenseline given ON given.id = movement.dispense_line_id
                  JOIN billing_invoiceline line ON line.prescription_item_id = given.item_id
                  JOIN billing_creditline credit ON credit.line_id = line.id
                 WHERE movement.id = NEW.movement_id AND movement.kind = 'RETURN' AND credit.id = NEW.credit_line_id"""
    sentence = "nothing of what this line charged came back by this movement"


class ReturnsCount(AtCommit):
    """What was returned is credited once: no more units than came back by a movement, and as many as the pharmacy counts."""

    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            PERFORM FROM pharmacy_stockmovement movement WHERE movement.id = NEW.movement_id
                AND movement.quantity < (SELECT SUM(quantity) FROM billing_returncredit WHERE movement_id = movement.id);
            IF FOUND THEN
                {refusal(name + "_within_return", "more is credited than came back")}
            END IF;
            PERFORM FROM pharmacy_dispenseline given JOIN pharmacy_stockmovement movement ON movement.dispense_line_id = given.id
              WHERE movement.id = NEW.movement_id AND given.credited_quantity <> (
                SELECT SUM(part.quantity) FROM billing_returncredit part JOIN pharmacy_stockmovement own ON own.id = part.movement_id
                 WHERE own.dispense_line_id = given.id);
            IF FOUND THEN
                {refusal(name + "_at_pharmacy", "the units credited of what was handed out do not add up")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, func=func)


class UnitsAddUp(AtCommit):
    """The units that a line counts as credited are those of its returns. `line` is its id, in SQL."""

    declare = [("kept", "bigint"), ("found", "bigint")]

    def __init__(self, name: str, line: str, operation):
        func = f"""
            SELECT credited_quantity INTO kept FROM billing_invoiceline WHERE id = {line};
            SELECT COALESCE(SUM(part.quantity), 0) INTO found
              FROM billing_returncredit part JOIN billing_creditline credit ON credit.id = part.credit_line_id
             WHERE credit.line_id = {line};
            IF kept <> found THEN
                {refusal("line_credited_quantity_is_the_sum_of_its_returns", "the units credited of a line do not add up")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, func=func)


class ReturnCredit(models.Model):
    """Units that came back to the pharmacy, and the credit of their price."""

    credit_line = models.ForeignKey(
        "billing.CreditLine", models.PROTECT, related_name="returns", help_text="Where their price is taken back."
    )
    movement = models.ForeignKey(
        "pharmacy.StockMovement", models.PROTECT, related_name="+", help_text="The return to stock by which they came back."
    )
    quantity = models.PositiveIntegerField(help_text="Units.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["movement", "credit_line"], name="return_credit_once_per_line"),
            models.CheckConstraint(name="return_credit_positive", condition=Q(quantity__gt=0)),
        ]
        triggers = [
            AppendOnly(name="return_credit_append_only"),
            ReturnFits(name="return_credit_fits"),
            ReturnsCount(name="return_credit_counts"),
            UnitsAddUp(
                name="return_credit_counts_in_its_line",
                line="(SELECT line_id FROM billing_creditline WHERE id = NEW.credit_line_id)",
                operation=pgtrigger.Insert,
            ),
        ]

    def __str__(self):
        return f"{self.quantity} of {self.movement_id}"
