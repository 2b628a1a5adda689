"""Claims: asked once, answered once, paid as a payment of the insurer's share."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.urls import reverse

from billing import locks
from billing.errors import ClaimClosed, ClaimIsLive, NothingToClaim
from billing.models import Claim, ClaimBatch, Invoice, Payment
from billing.services.claiming import answer_claim, charge_patient, submit_batch, submit_claim
from billing.services.invoicing import void_invoice
from billing.services.remittance import import_remittance
from billing.tests.factories import EncounterFactory, MedicineFactory, cashier, draft, insured, issued, issued_for, pay, prescribe
from billing.tests.test_models import refused_by, sql
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.errors import InvalidInput, RequestReused

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return cashier()


def covered(by, total="40.00", **patient) -> Invoice:
    """The patient bears 20 %."""
    return issued(by, total=total, patient=insured(80, **patient))


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def claim(invoice, by) -> Claim:
    return submit_claim(invoice_id=invoice.pk, by=by)


def said(claim, status, by, amount=None, **more) -> Claim:
    return answer_claim(claim_id=claim.pk, status=status, amount=Decimal(amount) if amount else None, by=by, **more)


class TestSubmitting:
    def test_claims_what_the_insurer_owes_once(self, by):
        invoice = covered(by)

        first, again = claim(invoice, by), claim(invoice, by)

        assert first == again
        assert (first.amount, first.status, first.number) == (Decimal("32.00"), "submitted", f"{invoice.number}-1")

    def test_where_no_insurer_owes_there_is_nothing_to_claim(self, by):
        paid = covered(by)
        pay(paid, by, "32.00", method="insurance")

        for invoice in (issued(by), paid, draft(by, patient=insured(80))):
            with pytest.raises(NothingToClaim):
                claim(invoice, by)
        assert not Claim.objects.exists()

    def test_a_batch_takes_all_of_one_payer_and_no_other(self, by):
        asked, mine = covered(by), [covered(by), covered(by)]
        other = issued(by, patient=insured(50, insurance_payer="Southern"))
        claim(asked, by)
        request_id = uuid4()

        batch = submit_batch(payer="Northern Mutual", by=by, request_id=request_id)

        assert submit_batch(payer="Northern Mutual", by=by, request_id=request_id) == batch
        assert {row.invoice_id for row in batch.claims.all()} == {row.pk for row in mine}
        assert not Claim.objects.filter(invoice=other).exists()
        with pytest.raises(NothingToClaim):
            submit_batch(payer="Northern Mutual", by=by, request_id=uuid4())
        with pytest.raises(RequestReused):
            submit_batch(payer="Southern", by=by, request_id=request_id)


class TestAnswers:
    def test_what_is_paid_is_a_payment_of_the_insurers_share(self, by):
        invoice = covered(by)

        paid = said(claim(invoice, by), "paid", by, reference="REM 7")

        payment = Payment.objects.get()
        assert (payment.method, payment.amount, payment.reference) == ("insurance", Decimal("32.00"), "REM 7")
        assert paid.payment == payment
        assert fresh(invoice).insurer_balance == 0
        assert said(paid, "paid", by) == paid  # the same answer again
        assert Payment.objects.count() == 1

    def test_what_an_insurer_leaves_open_is_claimed_again_or_charged_to_the_patient(self, by):
        invoice = covered(by)
        said(claim(invoice, by), "paid", by, "30.00", reason="Over the limit")

        second = claim(invoice, by)
        assert (second.amount, second.number) == (Decimal("2.00"), f"{invoice.number}-2")
        with pytest.raises(ClaimIsLive):
            charge_patient(invoice_id=invoice.pk, reason="x", by=by)
        said(second, "rejected", by, reason="Not covered")
        charge_patient(invoice_id=invoice.pk, reason="Not covered", by=by)

        invoice = fresh(invoice)
        assert (invoice.patient_balance, invoice.insurer_balance, invoice.declined) == (Decimal("10.00"), Decimal(0), Decimal("2.00"))
        pay(invoice, by, "10.00")
        assert fresh(invoice).status == "paid"

    def test_an_accepted_claim_still_waits_for_its_money(self, by):
        accepted = said(claim(covered(by), by), "accepted", by, "20.00")

        assert (accepted.status, accepted.answered, accepted.is_live) == ("accepted", Decimal("20.00"), True)
        assert said(accepted, "paid", by, "20.00").status == "paid"

    @pytest.mark.parametrize(
        ("status", "amount", "reason"),
        [("rejected", None, " "), ("paid", "32.01", ""), ("paid", "-1", ""), ("paid", "1.001", ""), ("submitted", None, "")],
    )
    def test_strange_answers_change_nothing(self, by, status, amount, reason):
        asked = claim(covered(by), by)

        with pytest.raises(InvalidInput):
            said(asked, status, by, amount, reason=reason)
        assert fresh(asked).status == "submitted"
        assert not Payment.objects.exists()

    def test_what_is_closed_stays_closed(self, by):
        rejected = said(claim(covered(by), by), "rejected", by, reason="x")

        with pytest.raises(ClaimClosed):
            said(rejected, "paid", by)
        assert not Payment.objects.exists()

    def test_medicine_is_held_back_when_the_patient_is_charged(self, by):
        encounter = EncounterFactory(patient=insured(100))
        prescription = prescribe(encounter, (MedicineFactory(), 10))
        invoice = issued_for(encounter, by)

        charge_patient(invoice_id=invoice.pk, reason="Policy ended", by=by)

        prescription.refresh_from_db()
        assert prescription.cleared_at is None

    def test_an_invoice_with_a_waiting_claim_is_not_voided(self, by):
        invoice = covered(by)
        claim(invoice, by)

        with pytest.raises(ClaimIsLive):
            void_invoice(invoice_id=invoice.pk, reason="x", by=by)
        assert fresh(invoice).state == "issued"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_asked_at_once_it_is_claimed_once(self, at_once):
        by = cashier()
        invoice = covered(by)

        results = at_once(*[partial(claim, invoice, by)] * 6)

        assert set(results) == {Claim.objects.get()}

    def test_of_two_batches_at_once_one_takes_the_claims(self, at_once):
        by = cashier()
        invoices = [covered(by) for _ in range(3)]

        results = at_once(*[lambda: submit_batch(payer="Northern Mutual", by=by, request_id=uuid4())] * 4)

        [batch] = ClaimBatch.objects.all()
        assert [result for result in results if isinstance(result, ClaimBatch)] == [batch]
        assert all(result == batch or isinstance(result, NothingToClaim) for result in results)
        assert batch.claims.count() == len(invoices)

    def test_a_double_press_makes_one_batch(self, at_once):
        by, request_id = cashier(), uuid4()
        covered(by)

        results = at_once(*[partial(submit_batch, payer="Northern Mutual", by=by, request_id=request_id)] * 4)

        assert set(results) == {ClaimBatch.objects.get()}

    def test_without_the_lock_a_constraint_refuses(self, at_once, monkeypatch):
        by = cashier()
        invoice = covered(by)
        monkeypatch.setattr(locks, "lock_invoice", lambda pk: Invoice.objects.select_related("patient").get(pk=pk))

        results = [result for _ in range(5) for result in at_once(*[partial(claim, invoice, by)] * 8)]

        assert Claim.objects.count() == 1
        assert all(isinstance(result, Claim | IntegrityError) for result in results)

    def test_paid_at_once_it_is_paid_once(self, at_once):
        by = cashier()
        asked = claim(covered(by), by)

        at_once(*[partial(said, asked, "paid", by)] * 6)

        assert Payment.objects.get().amount == Decimal("32.00")


class TestRemittance:
    def test_each_row_has_its_own_fate(self, by):
        full, part, no, closed = (claim(covered(by), by) for _ in range(4))
        said(closed, "rejected", by, reason="x")
        text = (
            "Claim;Status;Amount;Reason;Reference\n"
            f"{full.number};PAID;;;R1\n{part.number};paid;12.00;Limit;R2\n\n{no.number};rejected;;Not covered;\n"
            f"{closed.number};paid;;;\nINV-0-1;paid;;;\n{full.number};paid;x;;\n{no.number};lost;;;\n{full.number};paid;1e99999999;;\n"
        )

        fates = import_remittance(text=text, by=by, dry_run=False)

        assert [fate.fate for fate in fates] == ["done", "done", "done", "refused", "refused", "refused", "refused", "refused"]
        assert [fate.line for fate in fates] == [2, 3, 5, 6, 7, 8, 9, 10]
        assert [fresh(row).status for row in (full, part, no)] == ["paid", "paid", "rejected"]
        assert sum(Payment.objects.values_list("amount", flat=True)) == Decimal("44.00")

    def test_a_dry_run_says_the_same_and_writes_nothing(self, by):
        asked = claim(covered(by), by)
        text = f"claim,status\n{asked.number},paid\n"

        tried = import_remittance(text=text, by=by, dry_run=True)
        assert fresh(asked).status == "submitted"
        assert not Payment.objects.exists()
        assert import_remittance(text=text, by=by, dry_run=False) == tried
        assert [fate.fate for fate in import_remittance(text=text, by=by, dry_run=False)] == ["unchanged"]
        assert Payment.objects.count() == 1

    @pytest.mark.parametrize(
        "text", ["", "a,b\n1,2", "claim\nx", "claim,status\0\n", 'claim,status\n"x' + "y" * 200_000, "claim,status\n" + "x,paid\n" * 2001]
    )
    def test_a_file_that_is_none_is_refused(self, by, text):
        with pytest.raises(InvalidInput):
            import_remittance(text=text, by=by, dry_run=False)


class TestConstraints:
    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("amount = 0", "claim_positive"),
            ("answered = amount + 1", "claim_answered_within_amount"),
            ("status = 'rejected'", "claim_rejected_with_reason"),
            ("status = 'paid', answered = 1", "claim_paid_by_a_payment"),
        ],
    )
    def test_a_claim(self, by, change, rule):
        claim(covered(by), by)

        with refused_by(rule):
            sql(f"UPDATE billing_claim SET {change}")

    def test_a_closed_claim(self, by):
        said(claim(covered(by), by), "rejected", by, reason="x")

        with refused_by("claim_closed_is_frozen"):
            sql("UPDATE billing_claim SET status = 'submitted'")
        with refused_by("claim_kept"):
            sql("DELETE FROM billing_claim")

    def test_a_second_live_claim(self, by):
        asked = claim(covered(by), by)

        with refused_by("claim_one_live_per_invoice"):
            Claim.objects.create(invoice=asked.invoice, number="x", amount=1)

    def test_a_batch(self, by):
        ClaimBatch.objects.create(payer="x", request_id=uuid4())

        with refused_by("claim_batch_append_only"):
            sql("UPDATE billing_claimbatch SET payer = 'y'")


class TestSurfaces:
    def test_by_the_api(self, by, api_as):
        client, invoice = api_as(by), covered(by)

        made = client.post("/api/v1/claims/", {"invoice": str(invoice.public_id)})
        assert (made.status_code, made.json()["status"], made.json()["amount"]) == (201, "submitted", "32.00")
        path = f"/api/v1/claims/{made.json()['id']}/answer/"
        assert client.post(path, {"status": "accepted", "amount": "30.00"}).json()["answered"] == "30.00"
        rows = client.post(
            "/api/v1/claims/remittance/", {"csv": f"claim,status,amount\n{made.json()['number']},paid,30.00", "dry_run": False}
        )
        assert [row["fate"] for row in rows.json()["rows"]] == ["done"]
        assert client.get("/api/v1/claims/?status=paid").json()["count"] == 1
        charged = client.post(f"/api/v1/invoices/{invoice.public_id}/charge-patient/", {"reason": "Limit"})
        assert (charged.json()["patient_balance"], charged.json()["insurer_balance"]) == ("10.00", "0.00")

    def test_a_batch_and_its_file(self, by, api_as):
        client = api_as(by)
        covered(by, first_name="=cmd()")
        made = client.post("/api/v1/claims/batch/", {"payer": "Northern Mutual"})

        file = client.get(f"/api/v1/claims/batches/{made.json()['id']}/csv/")

        assert made.status_code == 201
        assert "attachment" in file["Content-Disposition"]
        heading, row = file.content.decode("utf-8-sig").splitlines()
        assert heading.startswith("claim,policy_number,patient")
        assert "'=cmd()" in row
        assert row.endswith(",40.00,32.00")

    def test_only_who_keeps_the_claims_gets_near_them(self, by, api_as):
        asked = claim(covered(by), by)
        for role in (Role.DOCTOR, Role.PATIENT, Role.PHARMACIST):
            client = api_as(user(role))
            assert client.get("/api/v1/claims/").status_code == 403
            assert client.post(f"/api/v1/claims/{asked.public_id}/answer/", {"status": "paid"}).status_code == 403
        assert fresh(asked).status == "submitted"

    @pytest.mark.parametrize("query", ["status=x", "invoice=x", "date_from=x", "patient=%00"])
    def test_strange_filters_get_a_400(self, by, api_as, query):
        assert api_as(by).get(f"/api/v1/claims/?{query}").status_code == 400

    def test_on_the_pages(self, by, client_as):
        client, invoice = client_as(by), covered(by)
        to_claim = client.get(reverse("billing:claims")).content.decode()
        assert invoice.number in to_claim
        assert client.post(reverse("billing:claim_batch"), {"payer": "Northern Mutual", "request_id": uuid4()}).status_code == 302
        asked = Claim.objects.get()
        assert asked.number in client.get(reverse("billing:claims") + "?show=waiting").content.decode()
        assert client.get(reverse("billing:batch_file", args=[ClaimBatch.objects.get().public_id])).status_code == 200
        page = reverse("billing:invoice", args=[invoice.public_id])
        assert "The insurer answered" in client.get(page).content.decode()
        assert client.post(reverse("billing:answer_claim", args=[asked.public_id]), {"status": "rejected"}).status_code == 400
        client.post(reverse("billing:answer_claim", args=[asked.public_id]), {"status": "rejected", "reason": "x"})
        assert "Charge the patient" in client.get(page).content.decode()
        assert client.post(reverse("billing:charge_patient", args=[invoice.public_id]), {"reason": ""}).status_code == 400
        client.post(reverse("billing:charge_patient", args=[invoice.public_id]), {"reason": "x"})
        assert fresh(invoice).patient_balance == Decimal("40.00")

    def test_a_file_is_checked_and_then_imported(self, by, client_as):
        client, asked = client_as(by), claim(covered(by), by)
        to, text = reverse("billing:remittance"), f"claim,status\n{asked.number},paid\nx,paid\n"

        checked = client.post(to, {"file": SimpleUploadedFile("r.csv", text.encode())})
        assert "1 done, 0 unchanged, 1 refused. Nothing is written yet" in checked.content.decode()
        assert fresh(asked).status == "submitted"
        client.post(to, {"text": text, "import": "1"})
        assert fresh(asked).status == "paid"
        assert client.post(to, {"file": SimpleUploadedFile("r.bin", b"\xff\xfe")}).status_code == 400
        assert client.post(to, {}).status_code == 400

    def test_lists_are_flat_in_queries(self, by, api_as, client_as, django_assert_max_num_queries):
        api, pages = api_as(by), client_as(by)
        for rows in (3, 20):
            while Claim.objects.count() < rows:
                claim(covered(by), by)
            with django_assert_max_num_queries(8):
                assert len(api.get("/api/v1/claims/").json()["results"]) == rows
            with django_assert_max_num_queries(10):
                pages.get(reverse("billing:claims") + "?show=waiting")
