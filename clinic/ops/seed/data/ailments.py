"""What people come with, by department: invented, plausible, and of nobody in particular."""

from dataclasses import dataclass, field

from clinic.ops.seed.data.clinic_facts import DENTAL, GENERAL, PAEDIATRICS


@dataclass(frozen=True)
class Ailment:
    """`items` are (medicine, form, dose, frequency, days, quantity, instructions); `extras` are codes of the price list.

    `vitals` are those that differ from what is usual.
    """

    reason: str
    code: str
    diagnosis: str
    note: str
    symptoms: list[str]
    items: list[tuple] = field(default_factory=list)
    vitals: dict = field(default_factory=dict)
    second: tuple[str, str] | None = None  # (ICD-10, text)
    extras: list[str] = field(default_factory=list)


AILMENTS: dict[str, list[Ailment]] = {
    GENERAL: [
        Ailment(
            "Sore throat and cough for four days",
            "J02.9",
            "Acute pharyngitis",
            "Pharynx red, no exudate, no lymph nodes. Chest clear. Rapid streptococcus test negative. Rest, fluids; return if fever lasts.",
            ["sore throat", "cough"],
            [("Paracetamol 500 mg", "tablet", "2 tablets", "QID", 3, 24, "At most 8 tablets a day")],
            {"temperature_c": "37.9", "pulse_bpm": 88},
            extras=["STREP"],
        ),
        Ailment(
            "Blood pressure check",
            "I10",
            "Essential hypertension",
            "Feels well. Home readings 135-150 systolic. No oedema. Lisinopril increased; salt discussed. Review in four weeks.",
            ["headache"],
            [
                ("Lisinopril 10 mg", "tablet", "1 tablet", "OD", 30, 30, "In the morning"),
                ("Amlodipine 5 mg", "tablet", "1 tablet", "OD", 30, 30, ""),
            ],
            {"systolic_mmhg": 152, "diastolic_mmhg": 94},
            extras=["ECG"],
        ),
        Ailment(
            "Diabetes review",
            "E11.9",
            "Type 2 diabetes mellitus",
            "HbA1c 7.4 %. Feet: pulses and sensation normal. Weight stable. Eye check due in spring. Goes on with metformin.",
            ["thirst", "tiredness"],
            [
                ("Metformin 850 mg", "tablet", "1 tablet", "BD", 30, 60, "With meals"),
                ("Atorvastatin 20 mg", "tablet", "1 tablet", "HS", 30, 30, ""),
            ],
            {"glucose_mmol_l": "8.6", "weight_kg": "92.40"},
            ("E78.5", "Hyperlipidaemia"),
            ["GLUC", "BLOODS"],
        ),
        Ailment(
            "Low back pain after lifting",
            "M54.5",
            "Low back pain",
            "Pain since lifting boxes, no radiation, no weakness, no red flags. Movement encouraged. Certificate for three days.",
            ["back pain"],
            [("Ibuprofen 400 mg", "tablet", "1 tablet", "TDS", 5, 15, "With food")],
            {"pain": 6},
            extras=["CERT"],
        ),
        Ailment(
            "Burning when passing water",
            "N39.0",
            "Urinary tract infection",
            "Dysuria for two days, no fever, no loin pain. Dipstick: leucocytes and nitrite positive.",
            ["dysuria", "frequency"],
            [("Nitrofurantoin 100 mg", "capsule", "1 capsule", "BD", 5, 10, "With food, to the end")],
            extras=["URINE"],
        ),
        Ailment(
            "Wheezing at night",
            "J45.9",
            "Asthma",
            "Night symptoms twice a week, uses the reliever daily. Peak flow 78 % of best. Inhaler technique corrected. Preventer started.",
            ["wheezing", "breathlessness"],
            [
                ("Salbutamol 100 µg/dose", "inhaler", "2 puffs", "PRN", 30, 1, ""),
                ("Beclometasone 100 µg/dose", "inhaler", "2 puffs", "BD", 30, 1, "Rinse the mouth afterwards"),
            ],
            {"respiratory_rate_bpm": 19, "spo2_percent": 95},
            extras=["PEAK"],
        ),
        Ailment(
            "Heartburn after meals",
            "K21.9",
            "Gastro-oesophageal reflux disease",
            "Burning behind the breastbone for six weeks, no weight loss, no trouble swallowing. Four weeks of omeprazole, then review.",
            ["heartburn"],
            [("Omeprazole 20 mg", "capsule", "1 capsule", "OD", 28, 28, "Half an hour before breakfast")],
        ),
        Ailment(
            "Itchy rash on both arms",
            "L20.9",
            "Atopic dermatitis",
            "Dry, scaly patches in both elbow folds, no infection. Emollient twice a day; steroid cream for a week.",
            ["itching", "rash"],
            [("Hydrocortisone 1 %", "cream", "thin layer", "BD", 7, 30, "On the affected skin"),
             ("Cetirizine 10 mg", "tablet", "1 tablet", "HS", 10, 10, "")],
        ),
        Ailment(
            "Follow-up: low mood",
            "F32.1",
            "Moderate depressive episode",
            "Sleeps better, appetite back, no thoughts of self-harm. Works half-time. Goes on with sertraline and the weekly talks.",
            ["low mood", "poor sleep"],
            [("Sertraline 50 mg", "tablet", "1 tablet", "OD", 30, 30, "In the morning")],
        ),
        Ailment(
            "Cut on the hand",
            "S61.9",
            "Open wound of the hand",
            "Clean 3 cm cut on the left palm from a kitchen knife, tendons and sensation intact. Four sutures, tetanus up to date.",
            ["bleeding", "pain"],
            [("Paracetamol 500 mg", "tablet", "2 tablets", "TDS", 2, 12, "If it hurts")],
            {"pain": 4},
            extras=["STITCH", "DRESS"],
        ),
        Ailment(
            "Fever and aching all over",
            "J11.1",
            "Influenza",
            "Sudden fever since yesterday, muscle pain, dry cough. Chest clear. No risk factors: treated at home, told when to return.",
            ["fever", "muscle pain", "cough"],
            [("Paracetamol 500 mg", "tablet", "2 tablets", "QID", 4, 32, ""), ("Ambroxol 15 mg/5 ml", "syrup", "10 ml", "TDS", 5, 150, "")],
            {"temperature_c": "38.9", "pulse_bpm": 104},
        ),
    ],
    PAEDIATRICS: [
        Ailment(
            "Earache since last night",
            "H66.9",
            "Otitis media",
            "Right drum red and bulging, left normal. Temperature 38.4. Parents asked for treatment at once; safety net explained.",
            ["earache", "fever"],
            [
                ("Amoxicillin 250 mg/5 ml", "suspension", "5 ml", "TDS", 5, 75, "To the end"),
                ("Ibuprofen 100 mg/5 ml", "suspension", "5 ml", "TDS", 3, 45, "With food"),
            ],
            {"temperature_c": "38.4"},
        ),
        Ailment(
            "Vomiting and diarrhoea",
            "A09",
            "Gastroenteritis",
            "Six loose stools since yesterday, drinks a little, has tears, skin turgor normal. Oral rehydration shown to the parents.",
            ["vomiting", "diarrhoea"],
            [
                ("Oral rehydration salts 20.5 g/l", "powder", "1 sachet", "QID", 2, 8, "In 200 ml of water, in sips"),
                ("Zinc sulfate 20 mg", "dispersible tablet", "1 tablet", "OD", 10, 10, ""),
            ],
        ),
        Ailment(
            "Check at two years",
            "Z00.1",
            "Routine child health examination",
            "Grows along the 60th centile, runs, two-word sentences. Vaccinations complete.", [],
        ),
        Ailment(
            "Cough and wheeze",
            "J21.9",
            "Bronchiolitis",
            "Mild recession, feeds three quarters of usual. Saturation 95 % in air. Nasal care, small feeds; back at once if worse.",
            ["cough", "wheezing"],
            [("Paracetamol 120 mg/5 ml", "syrup", "5 ml", "QID", 3, 60, "")],
            {"spo2_percent": 95},
            extras=["NEB"],
        ),
        Ailment(
            "Sneezing and itchy eyes",
            "J30.1",
            "Allergic rhinitis due to pollen",
            "Every spring; nose pale and swollen. Syrup in the season, hands off the eyes, windows closed at noon.",
            ["sneezing", "itchy eyes"],
            [("Loratadine 5 mg/5 ml", "syrup", "5 ml", "OD", 20, 100, "")],
        ),
        Ailment(
            "Fell on the arm",
            "S52.5",
            "Fracture of the lower end of the radius",
            "Buckle fracture without displacement on the film that was brought. Forearm cast, sling, check in a week.",
            ["arm pain", "swelling"],
            [("Ibuprofen 100 mg/5 ml", "suspension", "7.5 ml", "TDS", 3, 70, "With food")],
            {"pain": 5},
            extras=["CAST"],
        ),
        Ailment(
            "Impetigo around the mouth",
            "L01.0",
            "Impetigo",
            "Honey-coloured crusts below the nose, well otherwise. Own towel; back to school when the crusts are dry.",
            ["rash"],
            [("Fusidic acid 2 %", "cream", "thin layer", "TDS", 7, 15, "On the crusts")],
        ),
    ],
    DENTAL: [
        Ailment(
            "Toothache, lower left",
            "K02.9",
            "Dental caries",
            "Deep caries of 36, vital, percussion negative. Composite filling under local anaesthesia.",
            ["toothache"],
            [("Ibuprofen 400 mg", "tablet", "1 tablet", "TDS", 2, 6, "With food")],
            {"pain": 6},
            extras=["FILL1", "XRAYD"],
        ),
        Ailment(
            "Swollen gum",
            "K04.7",
            "Periapical abscess",
            "Abscess at 46, drained through the canal. Antibiotic because of spreading swelling. Root canal treatment next week.",
            ["toothache", "swelling"],
            [
                ("Amoxicillin 500 mg", "capsule", "1 capsule", "TDS", 5, 15, "To the end"),
                ("Metronidazole 400 mg", "tablet", "1 tablet", "TDS", 5, 15, "No alcohol"),
            ],
            {"temperature_c": "37.8", "pain": 8},
            extras=["XRAYD"],
        ),
        Ailment(
            "Half-yearly check",
            "Z01.2",
            "Dental examination",
            "No caries. Plaque at the lower front teeth, brushing shown again. Scale and polish.", [], extras=["HYGIENE"],
        ),
        Ailment(
            "Bleeding gums",
            "K05.1",
            "Chronic gingivitis",
            "Bleeding on probing at most sites, pockets below 4 mm. Scaling; mouthwash for two weeks.",
            ["bleeding gums"],
            [("Chlorhexidine 0.2 %", "mouthwash", "10 ml", "BD", 14, 280, "Rinse for a minute, do not swallow")],
            extras=["HYGIENE"],
        ),
        Ailment(
            "Wisdom tooth",
            "K01.1",
            "Impacted tooth",
            "48 removed under articaine, one suture. Cold packs, soft food; suture out in a week.",
            ["jaw pain"],
            [("Ibuprofen 400 mg", "tablet", "1 tablet", "TDS", 4, 12, "With food")],
            {"pain": 5},
            extras=["EXTRACT", "XRAYD"],
        ),
    ],
}  # fmt: skip
