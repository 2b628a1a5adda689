"""Words of the pharmacy. No tag here asks the database."""

from django import template

from pharmacy.rules import quantities

register = template.Library()


@register.filter
def sig(item) -> str:
    """How to take it, in plain words: 'Take 1 tablet by mouth 3 times a day for 7 days.'"""
    return quantities.directions(item)


@register.filter
def counted(quantity: int, unit: str) -> str:
    """`{{ 21|counted:"tablet" }}` is '21 tablets'."""
    return quantities.counted(quantity, unit)


@register.filter
def plural(unit: str) -> str:
    """`{{ "patch"|plural }}` is 'patches'."""
    return quantities.plural(unit)


@register.filter
def stock_words(medicine) -> str:
    """'capsule, amoxicillin, 120 in stock', of a medicine with on_hand."""
    there = f"{medicine.on_hand} in stock" if medicine.on_hand else "out of stock"
    return ", ".join([medicine.form, medicine.generic_name, there])
