"""What the database's own triggers keep true, asked again by SQL of its own: (row, sentence) of each row that is otherwise."""

STOCK = """
    SELECT b.public_id::text, format('%s on hand, but its movements add up to %s', b.on_hand, COALESCE(SUM(m.quantity), 0))
    FROM pharmacy_batch b LEFT JOIN pharmacy_stockmovement m ON m.batch_id = b.id
    GROUP BY b.id HAVING b.on_hand <> COALESCE(SUM(m.quantity), 0)
"""
LEDGER = """
    SELECT public_id::text, format('left %s by the movements before it, but says %s', before + quantity, balance)
    FROM (SELECT m.*, COALESCE(SUM(quantity) OVER (PARTITION BY batch_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
          AS before FROM pharmacy_stockmovement m) ledger
    WHERE balance <> before + quantity
"""
DISPENSED = """
    SELECT l.public_id::text, format('gave %s and took back %s, but the movements say %s and %s',
        l.quantity, l.returned_quantity, COALESCE(-SUM(m.quantity) FILTER (WHERE m.kind = 'OUT'), 0),
        COALESCE(SUM(m.quantity) FILTER (WHERE m.kind = 'RETURN'), 0))
    FROM pharmacy_dispenseline l LEFT JOIN pharmacy_stockmovement m ON m.dispense_line_id = l.id
    GROUP BY l.id
    HAVING l.quantity <> COALESCE(-SUM(m.quantity) FILTER (WHERE m.kind = 'OUT'), 0)
        OR l.returned_quantity <> COALESCE(SUM(m.quantity) FILTER (WHERE m.kind = 'RETURN'), 0)
"""
PRESCRIBED = """
    SELECT i.public_id::text,
        format('%s dispensed, but its lines say %s', i.dispensed_quantity, COALESCE(SUM(l.quantity - l.returned_quantity), 0))
    FROM pharmacy_prescriptionitem i LEFT JOIN pharmacy_dispenseline l ON l.item_id = i.id
    GROUP BY i.id HAVING i.dispensed_quantity <> COALESCE(SUM(l.quantity - l.returned_quantity), 0)
"""
INVOICES = """
    SELECT i.public_id::text, format('%s in total and %s for the insurer, but its lines say %s and %s',
        i.total, i.insurer_share, COALESCE(SUM(l.total), 0), COALESCE(SUM(l.insurer_share), 0))
    FROM billing_invoice i LEFT JOIN billing_invoiceline l ON l.invoice_id = i.id
    GROUP BY i.id HAVING i.total <> COALESCE(SUM(l.total), 0) OR i.insurer_share <> COALESCE(SUM(l.insurer_share), 0)
"""
PAYMENTS = """
    SELECT i.public_id::text, format('%s paid, but its payments less refunds are %s', i.paid, COALESCE(SUM(p.amount - p.refunded), 0))
    FROM billing_invoice i LEFT JOIN billing_payment p ON p.invoice_id = i.id
    GROUP BY i.id HAVING i.paid <> COALESCE(SUM(p.amount - p.refunded), 0)
    UNION ALL
    SELECT p.public_id::text, format('%s refunded, but its refunds are %s', p.refunded, COALESCE(SUM(r.amount), 0))
    FROM billing_payment p LEFT JOIN billing_refund r ON r.payment_id = p.id
    GROUP BY p.id HAVING p.refunded <> COALESCE(SUM(r.amount), 0)
"""
CREDITS = """
    SELECT i.public_id::text, format('%s credited, but its credit notes are %s', i.credited, COALESCE(SUM(c.amount), 0))
    FROM billing_invoice i LEFT JOIN billing_creditnote c ON c.invoice_id = i.id
    GROUP BY i.id HAVING i.credited <> COALESCE(SUM(c.amount), 0)
"""
DEPOSITS = """
    SELECT d.public_id::text,
        format('%s applied, but the payments from it less refunds are %s', d.applied, COALESCE(SUM(p.amount - p.refunded), 0))
    FROM billing_deposit d LEFT JOIN billing_payment p ON p.deposit_id = d.id
    GROUP BY d.id HAVING d.applied <> COALESCE(SUM(p.amount - p.refunded), 0)
    UNION ALL
    SELECT d.public_id::text, format('%s given back, but its refunds are %s', d.refunded, COALESCE(SUM(r.amount), 0))
    FROM billing_deposit d LEFT JOIN billing_depositrefund r ON r.deposit_id = d.id
    GROUP BY d.id HAVING d.refunded <> COALESCE(SUM(r.amount), 0)
"""
NUMBERS = """
    WITH given AS (
        SELECT 'INV' AS series, public_id, number FROM billing_invoice WHERE number IS NOT NULL
        UNION ALL SELECT 'CN', public_id, number FROM billing_creditnote
    ), numbered AS (
        SELECT *, CASE WHEN number ~ ('^' || series || '-[0-9]{4}-[0-9]{6,9}$') THEN split_part(number, '-', 2)::int END AS year,
            CASE WHEN number ~ ('^' || series || '-[0-9]{4}-[0-9]{6,9}$') THEN split_part(number, '-', 3)::int END AS place
        FROM given
    ), ordered AS (
        SELECT *, COALESCE(LAG(place) OVER (PARTITION BY series, year ORDER BY place), 0) AS before FROM numbered
    ), counters AS (
        SELECT 'INV' AS series, year, last_number FROM billing_invoicecounter
        UNION ALL SELECT 'CN', year, last_number FROM billing_creditnotecounter
    )
    SELECT public_id::text, format('its number %s comes after number %s of that year', number, before)
    FROM ordered WHERE place IS DISTINCT FROM before + 1
    UNION ALL
    SELECT format('%s-%s', c.series, c.year),
        format('%s numbers were given, but the last one found is %s', c.last_number, COALESCE(MAX(place), 0))
    FROM counters c LEFT JOIN numbered n ON n.series = c.series AND n.year = c.year
    GROUP BY c.series, c.year, c.last_number HAVING c.last_number <> COALESCE(MAX(place), 0)
"""
TOKENS = """
    SELECT format('%s on %s', q.code, t.on), format('%s tokens, numbered up to %s', count(*), max(t.number))
    FROM scheduling_token t JOIN scheduling_queue q ON q.id = t.queue_id
    GROUP BY q.code, t.on HAVING count(*) <> max(t.number) OR min(t.number) <> 1
"""
