from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory

from clinic.core.templatetags import ui


def draw(source, **context):
    return Template("{% load ui %}" + source).render(Context(context))


class SampleForm(forms.Form):
    name = forms.CharField(help_text="As in the passport.")
    sex = forms.ChoiceField(choices=[("f", "Female")])
    agreed = forms.BooleanField(label="Agrees")
    reminders = forms.ChoiceField(choices=[("mail", "By mail")], widget=forms.RadioSelect)


class TestAge:
    @pytest.mark.parametrize(
        ("born", "on", "shown"),
        [
            (date(1984, 2, 29), date(2026, 2, 27), "41 y"),
            (date(1984, 2, 29), date(2026, 2, 28), "42 y"),
            (date(2025, 1, 10), date(2026, 11, 9), "21 mo"),
            (date(2024, 11, 20), date(2026, 11, 20), "2 y"),
            (date(2026, 11, 8), date(2026, 11, 20), "12 d"),
            (date(2026, 11, 20), date(2026, 11, 20), "0 d"),
        ],
    )
    def test_counts_completed_years_months_or_days(self, born, on, shown):
        assert ui.age(born, on).replace("\N{NO-BREAK SPACE}", " ") == shown

    def test_says_nothing_without_a_birth_date(self):
        assert ui.age(None) == ""


class TestMoney:
    def test_groups_thousands_and_names_the_currency(self, settings):
        settings.CURRENCY = "EUR"

        assert ui.money(Decimal("1234.5")) == "EUR\N{NO-BREAK SPACE}1,234.50"

    def test_is_empty_without_an_amount(self):
        assert ui.money(None) == ui.amount(None) == ""

    def test_shows_zero_as_an_amount(self):
        assert ui.amount(Decimal(0)) == "0.00"


class TestLocalTime:
    def test_is_on_the_wall_clock_of_the_clinic(self, settings):
        settings.TIME_ZONE = "Asia/Kolkata"

        shown = ui.local_time(datetime(2026, 11, 3, 20, 0, tzinfo=UTC))

        assert shown == '<time datetime="2026-11-04T01:30:00+05:30">4 Nov 2026, 01:30</time>'

    def test_shows_a_plain_date_as_a_date(self):
        assert ui.local_time(date(2026, 11, 3)) == '<time datetime="2026-11-03">3 Nov 2026</time>'


class TestStatusBadge:
    def test_says_the_status_in_words_beside_the_icon(self):
        shown = draw("{% status_badge 'no_show' %}")

        assert "status-warning" in shown
        assert "<svg" in shown
        assert "No show</span>" in shown

    def test_is_neutral_for_a_status_it_does_not_know(self):
        assert "status-neutral" in draw("{% status_badge 'brand_new' %}")

    def test_escapes_its_label(self):
        assert "<b>" not in draw("{% status_badge 'paid' label %}", label="<b>")

    @pytest.mark.parametrize("status", ui.TONES)
    def test_has_an_icon_for_every_status(self, status):
        assert "<svg" in draw("{% status_badge status %}", status=status)


class TestFormField:
    def test_ties_help_and_error_to_the_input(self):
        shown = draw("{{ form.name.as_field_group }}", form=SampleForm({}))

        assert 'aria-describedby="id_name_helptext id_name_error"' in shown
        assert 'aria-invalid="true"' in shown
        assert 'id="id_name_helptext"' in shown
        assert 'id="id_name_error"' in shown
        assert 'class="form-control"' in shown

    def test_puts_the_label_of_a_checkbox_behind_it(self):
        shown = draw("{{ form.agreed.as_field_group }}", form=SampleForm())

        assert shown.index("<input") < shown.index("<label")

    def test_groups_radio_buttons_under_a_legend(self):
        shown = draw("{{ form.reminders.as_field_group }}", form=SampleForm())

        assert "<fieldset" in shown
        assert "<legend>Reminders" in shown

    def test_lists_every_error_at_the_top_of_a_form(self):
        shown = draw("{{ form }}", form=SampleForm({}))

        assert 'role="alert"' in shown
        assert 'href="#id_name"' in shown
        assert 'href="#id_reminders_group"' in shown

    def test_draws_no_summary_without_errors(self):
        assert "error-summary" not in draw("{{ form }}", form=SampleForm())


class TestBlocks:
    def test_escapes_what_the_page_escapes_and_nothing_twice(self):
        shown = draw("{% panel title %}{{ text }}{% endpanel %}", title="A & B", text="<i>")

        assert "A &amp; B" in shown
        assert "&lt;i&gt;" in shown

    def test_gives_a_confirmation_a_token_and_a_request_id(self):
        shown = draw('{% confirm id="void" title="Void?" action="/void/" %}Why{% endconfirm %}', csrf_token="secret")

        assert 'name="csrfmiddlewaretoken" value="secret"' in shown
        assert 'name="request_id"' in shown
        assert 'commandfor="void"' in shown

    def test_says_that_unasked_allergies_are_not_recorded(self):
        patient = {"full_name": "Ann Bell", "mrn": "1", "sex": "Female"}

        shown = draw('{% include "components/_patient_banner.html" %}', patient=patient, allergies=[])

        assert "Allergies not recorded" in shown
        assert "No known allergies" not in shown


def test_changes_one_parameter_and_keeps_the_others():
    request = RequestFactory().get("/", {"q": "ann", "page": "1", "status": "waiting"})

    assert ui.url_replace(request, page=2, status="") == "?q=ann&page=2"


def test_makes_every_request_id_anew():
    assert ui.new_request_id() != ui.new_request_id()
