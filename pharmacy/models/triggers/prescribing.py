"""What prescriptions hold by themselves, whoever writes them."""

import pgtrigger

from clinic.core.triggers import refusal


class ItemsOfDraftOnly(pgtrigger.Trigger):
    """Items are added, changed and removed while their prescription is a draft of an open encounter.

    The share locks make a writer wait for a signature that is being given, and then see it.
    """

    when = pgtrigger.Before
    declare = [("is_open", "boolean")]

    def __init__(self, name: str, operation, condition=None):
        func = f"""
            SELECT p.status = 'draft' AND e.status = 'in_progress' INTO is_open
              FROM pharmacy_prescription p JOIN patients_encounter e ON e.id = p.encounter_id
             WHERE p.id = COALESCE(NEW.prescription_id, OLD.prescription_id) FOR SHARE;
            IF NOT is_open THEN
                {refusal(name, "the prescription is no longer a draft")}
            END IF;
            RETURN COALESCE(NEW, OLD);
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class WhenNeededHasMaximum(pgtrigger.Trigger):
    """A line to be taken when needed says how often at most. Not a CHECK: lines signed before this was asked stay as signed."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.UpdateOf("frequency", "max_doses_a_day")
    condition = pgtrigger.Condition("NEW.frequency = 'PRN' AND NEW.max_doses_a_day IS NULL")

    def __init__(self, name: str):
        super().__init__(name=name, func=refusal(name, "what is taken when needed has a maximum"))
