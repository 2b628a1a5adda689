"""A select of thousands is drawn as Django draws any other."""

import pytest
from django import forms
from django.test import SimpleTestCase

from clinic.core.forms import LongSelect

CHOICES = [("", "All"), ("a<b", 'x & "y"'), (3, "three")]


@pytest.mark.parametrize("value", [None, "", "a<b", "3", 3, "other"])
@pytest.mark.parametrize("attrs", [{}, {"class": "form-select", "aria-invalid": "true", "required": True, "id": "id_d"}])
def test_a_long_select_is_what_a_select_is(value, attrs):
    own, djangos = (kind(choices=CHOICES).render("d", value, attrs) for kind in (LongSelect, forms.Select))

    SimpleTestCase().assertHTMLEqual(own, djangos)
