"""What is taken off: by whom, why, and that all of it adds up to the cent; packages."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing import rules
from billing.errors import EmptyInvoice, MayNotDiscount, NotDraft, PriceOverlaps
from billing.models import Invoice, Package, PackagePart
from billing.services.drafts import change_lines, discount_invoice
from billing.services.invoicing import draft_manual_invoice
from billing.services.packages import end_package, set_package
from billing.services.prices import set_price
from billing.tests.factories import ON, PatientFactory, PriceItemFactory, draft, insured, issued
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, StaleVersion

cents = st.decimals(min_value=0, max_value=10_000, places=2)
NEW = "INSERT INTO billing_package (public_id, code, name, price, valid_from) VALUES (gen_random_uuid(),"
percents = st.decimals(min_value=0, max_value=100, places=2)


@pytest.fixture
def by(db):
    return user(Role.MANAGER)


@pytest.fixture
def invoice(db):
    """10.00 and 2 x 3.33 with 10 % tax: 17.33."""
    lines = [
        {"description": "Dressing", "unit_price": Decimal("10.00")},
        {"description": "Swab", "quantity": 2, "unit_price": Decimal("3.33"), "tax_percent": Decimal(10)},
    ]
    return draft_manual_invoice(patient_id=insured(80).pk, lines=lines, by=user(Role.RECEPTION), on=ON)


class TestRounding:
    @given(lines=st.lists(st.tuples(st.integers(1, 50), cents, percents), min_size=1, max_size=8), percent=percents)
    def test_a_discount_on_all_is_the_sum_of_those_on_the_lines(self, lines, percent):
        full = {place: quantity * price for place, (quantity, price, _) in enumerate(lines)}
        off = rules.discount_of(sum(full.values()), amount=None, percent=percent, zero=True)

        parts = rules.spread(off, full)
        amounts = [
            rules.line_amounts(quantity=quantity, unit_price=price, discount=parts.get(place, Decimal(0)), tax_percent=tax)
            for place, (quantity, price, tax) in enumerate(lines)
        ]

        assert sum(parts.values()) == off
        assert all(0 <= part <= full[place] for place, part in parts.items())
        total = sum(each.total for each in amounts)
        assert total == sum(full.values()) - off + sum(each.tax for each in amounts)
        assert total == total.quantize(Decimal("0.01")) >= 0

    @given(fulls=st.lists(cents, min_size=1, max_size=10), share=st.decimals(min_value=0, max_value=1, places=4))
    def test_the_parts_of_a_package_cost_what_it_costs(self, fulls, share):
        price = (sum(fulls) * share).quantize(Decimal("0.01"), rounding="ROUND_DOWN")

        parts = rules.package_parts(price, dict(enumerate(fulls)))

        assert sum(parts.values()) == price
        assert all(0 <= parts[place] <= full for place, full in enumerate(fulls))


class TestDiscount:
    def test_a_percentage_is_spread_over_the_lines(self, invoice, by):
        changed = discount_invoice(invoice_id=invoice.pk, percent=Decimal(10), reason="Staff", by=by)

        assert [(line.discount, line.discount_reason) for line in changed.lines.all()] == [
            (Decimal("1.00"), "Staff"),
            (Decimal("0.67"), "Staff"),
        ]
        assert changed.total == Decimal("9.00") + Decimal("5.99") + Decimal("0.60")
        assert changed.insurer_share + changed.patient_share == changed.total

    def test_a_line_gets_an_amount_on_top_of_what_it_has(self, invoice, by):
        line = invoice.lines.first()
        for amount, reason in (("2.00", "Late"), ("1.50", "Staff")):
            discount_invoice(invoice_id=invoice.pk, amount=Decimal(amount), reason=reason, by=by, line_id=line.public_id)

        line.refresh_from_db()
        assert (line.discount, line.discount_reason, line.total) == (Decimal("3.50"), "Late; Staff", Decimal("6.50"))
        assert OutboxEvent.objects.filter(action="billing.invoice.discounted").count() == 2

    @pytest.mark.parametrize(
        "asked",
        [
            {"amount": Decimal("16.67")},
            {"amount": Decimal(0)},
            {"amount": Decimal("-1")},
            {"amount": Decimal("0.001")},
            {"amount": Decimal("NaN")},
            {"percent": Decimal(0)},
            {"percent": Decimal("100.01")},
            {"percent": Decimal("Infinity")},
            {"percent": Decimal(1), "amount": Decimal(1)},
            {},
            {"amount": Decimal(1), "reason": "  "},
            {"amount": Decimal(1), "reason": "x" * 201},
            {"amount": Decimal(1), "line_id": uuid4()},
        ],
    )
    def test_nonsense_is_refused_and_changes_nothing(self, invoice, by, asked):
        with pytest.raises(InvalidInput):
            discount_invoice(**{"invoice_id": invoice.pk, "reason": "Staff", "by": by} | asked)

        assert Invoice.objects.get().version == 1

    def test_of_nothing_nothing_is_taken_off(self, invoice, by):
        change_lines(invoice_id=invoice.pk, lines=[], by=by, on=ON)

        with pytest.raises(EmptyInvoice):
            discount_invoice(invoice_id=invoice.pk, reason="Staff", percent=Decimal(10), by=by)

    def test_needs_leave_and_a_draft(self, invoice, by):
        clerk = user(Role.RECEPTION)
        lines = [{"id": line.public_id, "discount": Decimal(1), "discount_reason": "x"} for line in invoice.lines.all()]
        typed = {"description": "x", "unit_price": Decimal(5), "discount": Decimal(1), "discount_reason": "x"}

        with pytest.raises(MayNotDiscount):
            discount_invoice(invoice_id=invoice.pk, amount=Decimal(1), reason="x", by=clerk)
        with pytest.raises(MayNotDiscount):
            change_lines(invoice_id=invoice.pk, lines=lines, by=clerk, on=ON)
        with pytest.raises(MayNotDiscount):
            draft_manual_invoice(patient_id=invoice.patient_id, lines=[typed], by=clerk, on=ON)
        with pytest.raises(NotDraft):
            discount_invoice(invoice_id=issued().pk, amount=Decimal(1), reason="x", by=by)
        with pytest.raises(StaleVersion):
            discount_invoice(invoice_id=invoice.pk, amount=Decimal(1), reason="x", by=by, expected_version=9)

        assert Invoice.objects.get(pk=invoice.pk).total == Decimal("17.33")

    def test_what_stands_already_needs_no_leave(self, invoice, by):
        discount_invoice(invoice_id=invoice.pk, percent=Decimal(10), reason="Staff", by=by)
        lines = [{"id": line.public_id, "discount": line.discount} for line in invoice.lines.all()]

        changed = change_lines(invoice_id=invoice.pk, lines=lines, by=user(Role.RECEPTION), on=ON)

        assert changed.total == Decimal("15.59")

    def test_api(self, api_as, invoice, by):
        to, body = f"/api/v1/invoices/{invoice.public_id}/discount/", {"percent": "10", "reason": "Staff"}

        refused = api_as(user(Role.RECEPTION)).post(to, body)
        given = api_as(by).post(to, body)
        typed = api_as(user(Role.RECEPTION)).patch(
            f"/api/v1/invoices/{invoice.public_id}/",
            {"lines": [{"description": "x", "unit_price": "5.00", "discount": "1.00", "discount_reason": "x"}]},
        )

        assert (refused.status_code, given.status_code, given.json()["total"]) == (403, 200, "15.59")
        assert (typed.status_code, typed.json()["code"]) == (403, "may_not_discount")
        for bad in (
            {"percent": "x"},
            {"amount": "1e400"},
            {"amount": "NaN"},
            {"amount": "1", "percent": "1"},
            {"amount": "1", "line": "x"},
        ):
            assert api_as(by).post(to, {"reason": "x"} | bad).status_code == 400

    def test_page(self, client_as, invoice, by):
        to, shown = reverse("billing:discount", args=[invoice.public_id]), reverse("billing:invoice", args=[invoice.public_id])
        client = client_as(by)

        assert "Give discount" in client.get(shown).content.decode()
        assert "Give discount" not in client_as(user(Role.RECEPTION)).get(shown).content.decode()
        for off in ("x", "-1", "101%", "0", "", "1.234", "99"):
            refused = client.post(to, {"off": off, "reason": "Staff"})
            assert refused.status_code == 400
            assert 'role="alert"' in refused.content.decode()
        assert Invoice.objects.get().version == 1
        assert client_as(user(Role.RECEPTION)).post(to, {"off": "10%", "reason": "x"}).status_code == 403
        assert client.post(to, {"off": "10 %", "reason": "Staff", "line": invoice.lines.first().public_id}).status_code == 302
        assert Invoice.objects.get().total == Decimal("16.33")


@pytest.mark.django_db
class TestPackages:
    @pytest.fixture(autouse=True)
    def price_list(self):
        PriceItemFactory(code="ECG", name="Electrocardiogram", unit_price=Decimal("30.00"))
        PriceItemFactory(code="CRP", name="Protein", unit_price=Decimal("12.00"), tax_percent=Decimal(10))

    def offer(self, by, **changes):
        given = {"code": "CHECK", "name": "Check", "price": Decimal("40.00"), "parts": {"ECG": 1, "CRP": 2}, "valid_from": ON}
        return set_package(by=by, **given | changes)

    def test_becomes_lines_that_cost_what_it_costs(self, by):
        self.offer(by)

        lines = [{"package": "check", "quantity": 2}, {"description": "More", "unit_price": Decimal(1)}]
        invoice = draft_manual_invoice(patient_id=PatientFactory().pk, lines=lines, by=user(Role.RECEPTION), on=ON)

        ecg, crp, _ = invoice.lines.all()
        assert ecg.total - ecg.tax + crp.total - crp.tax == Decimal("80.00")
        assert (ecg.quantity, crp.quantity, ecg.discount_reason) == (2, 4, "Package Check")
        assert (crp.tax, crp.total) == (Decimal("3.56"), Decimal("39.12"))
        assert invoice.total == Decimal("81.00") + crp.tax

    def test_a_new_one_ends_the_one_before_and_two_never_overlap(self, by):
        first = self.offer(by)
        self.offer(by, price=Decimal("41.00"), valid_from=date(2026, 6, 1))

        first.refresh_from_db()
        assert first.valid_until == date(2026, 6, 1)
        with pytest.raises(PriceOverlaps):
            self.offer(by, valid_from=date(2026, 6, 1))
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Package.objects.create(code="CHECK", name="x", price=1, valid_from=date(2026, 7, 1))
        assert constraint_of(refused.value) == "package_one_at_a_time"
        assert Package.objects.count() == 2

    @pytest.mark.parametrize(
        "changes",
        [
            {"price": Decimal("54.01")},
            {"price": Decimal(-1)},
            {"parts": {}},
            {"parts": {"ECG": 0}},
            {"parts": {"NONE": 1}},
            {"name": " "},
            {"code": ""},
        ],
    )
    def test_nonsense_is_refused(self, by, changes):
        with pytest.raises(InvalidInput):
            self.offer(by, **changes)

        assert not Package.objects.exists()

    @pytest.mark.parametrize(
        ("rule", "statement"),
        [
            ("package_only_ends", "UPDATE billing_package SET price = 1"),
            ("package_kept", "DELETE FROM billing_package"),
            ("package_part_append_only", "UPDATE billing_packagepart SET quantity = 2"),
            ("package_part_append_only", "DELETE FROM billing_packagepart"),
            ("package_part_once", "INSERT INTO billing_packagepart (package_id, code, quantity) SELECT id, 'ECG', 1 FROM billing_package"),
            ("package_valid_period_not_empty", "UPDATE billing_package SET valid_until = valid_from"),
            (
                "package_named",
                f"{NEW} 'X', '', 1, '2026-01-01')",
            ),
            (
                "package_price_not_negative",
                f"{NEW} 'X', 'X', -1, '2026-01-01')",
            ),
            (
                "package_part_quantity_positive",
                "INSERT INTO billing_packagepart (package_id, code, quantity) SELECT id, 'X', 0 FROM billing_package",
            ),
        ],
    )
    def test_the_database_refuses(self, by, rule, statement):
        self.offer(by)

        with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert constraint_of(refused.value) == rule
        assert (Package.objects.count(), PackagePart.objects.count()) == (1, 2)

    def test_an_invoice_has_at_most_a_hundred_lines_also_of_packages(self, by):
        self.offer(by)
        made = draft_manual_invoice(patient_id=PatientFactory().pk, lines=[{"package": "CHECK"}] * 50, by=by, on=ON)
        assert made.lines.count() == 100

        with pytest.raises(InvalidInput):
            draft_manual_invoice(patient_id=PatientFactory().pk, lines=[{"package": "CHECK"}] * 51, by=by, on=ON)

        assert Invoice.objects.count() == 1

    def test_one_that_ended_or_lost_a_part_is_refused_on_the_invoice(self, by):
        package = self.offer(by)
        end_package(package_id=package.pk, valid_until=date(2026, 6, 1), by=by)

        for line, on in (({"package": "CHECK"}, date(2026, 6, 1)), ({"package": "CHECK", "quantity": 0}, ON), ({"package": "\0"}, ON)):
            with pytest.raises(InvalidInput):
                draft_manual_invoice(patient_id=PatientFactory().pk, lines=[line], by=by, on=on)

        assert not Invoice.objects.exists()

    def test_one_whose_parts_became_cheaper_by_themselves_is_refused_on_the_invoice(self, by):
        self.offer(by)
        later = date(2026, 5, 1)
        set_price(code="ECG", name="Electrocardiogram", unit_price=Decimal("15.99"), valid_from=later, by=by)

        with pytest.raises(InvalidInput):
            draft_manual_invoice(patient_id=PatientFactory().pk, lines=[{"package": "CHECK"}], by=by, on=later)
        assert draft_manual_invoice(patient_id=PatientFactory().pk, lines=[{"package": "CHECK"}], by=by, on=ON).lines.count() == 2

    def test_api(self, api_as, by):
        body = {"code": "CHECK", "name": "Check", "price": "40.00", "parts": [{"code": "ECG"}, {"code": "CRP", "quantity": 2}]}

        made = api_as(by).post("/api/v1/packages/", body)
        again = api_as(by).post("/api/v1/packages/", body)
        refused = api_as(user(Role.RECEPTION)).post("/api/v1/packages/", body)
        clerk = api_as(user(Role.RECEPTION))
        billed = clerk.post("/api/v1/invoices/", {"patient": str(PatientFactory().public_id), "lines": [{"package": "CHECK"}]})
        ended = api_as(by).post(f"/api/v1/packages/{made.json()['id']}/end/", {"valid_until": "2199-01-01"})

        assert (made.status_code, again.status_code, refused.status_code, ended.status_code) == (201, 409, 403, 200)
        assert len(clerk.get("/api/v1/packages/").json()["results"]) == 1
        assert (billed.status_code, len(billed.json()["lines"])) == (201, 2)

    def test_page(self, client_as, by):
        typed = {"code": "CHECK", "name": "Check", "price": "40.00", "parts": "ECG\n2 CRP", "valid_from": timezone.localdate().isoformat()}
        to, client = reverse("billing:packages"), client_as(by)

        assert client.post(to, typed | {"parts": "ECG ECG ECG"}).status_code == 400
        assert client.post(to, typed | {"price": "99"}).status_code == 400
        assert not Package.objects.exists()
        assert client.post(to, typed).status_code == 302
        assert "Check" in client.get(to).content.decode()
        assert client_as(user(Role.RECEPTION)).post(to, typed).status_code == 403
        assert client_as(user(Role.RECEPTION)).get(to).status_code == 200
        line = {"keep": "", "add": "1", "price_item": f"package {Package.objects.get().public_id}", "quantity": "1"}
        invoice = draft(total="1.00")
        assert client_as(user(Role.RECEPTION)).post(reverse("billing:change_lines", args=[invoice.public_id]), line).status_code == 302
        assert invoice.lines.count() == 2
        assert client.post(reverse("billing:end_package", args=[Package.objects.get().public_id])).status_code == 302
        assert Package.objects.get().valid_until
