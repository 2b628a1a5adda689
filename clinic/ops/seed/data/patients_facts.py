"""What patients of the demo clinic may have: allergies, lasting problems, insurers, streets."""

ALLERGIES = [  # substance, reaction, severity
    ("Amoxicillin", "Itching rash within hours", "moderate"),
    ("Phenoxymethylpenicillin", "Swollen lips, short of breath", "severe"),
    ("Ibuprofen", "Wheezing", "severe"),
    ("Acetylsalicylic acid", "Stomach bleeding", "moderate"),
    ("Sulfamethoxazole", "Blistering rash", "severe"),
    ("Codeine", "Vomiting", "mild"),
    ("Latex", "Hives", "moderate"),
    ("Peanuts", "Anaphylaxis", "severe"),
    ("Bee venom", "Large local swelling", "mild"),
    ("Erythromycin", "Stomach cramps", "mild"),
]
PROBLEMS = [  # text, ICD-10, from which age on it is plausible
    ("Essential hypertension", "I10", 38),
    ("Type 2 diabetes mellitus", "E11.9", 40),
    ("Asthma", "J45.9", 4),
    ("Hypothyroidism", "E03.9", 25),
    ("Hyperlipidaemia", "E78.5", 40),
    ("Migraine", "G43.9", 15),
    ("Gastro-oesophageal reflux", "K21.9", 25),
    ("Osteoarthritis of the knee", "M17.9", 55),
    ("Atopic dermatitis", "L20.9", 1),
    ("Depressive episode", "F32.9", 18),
    ("Gout", "M10.9", 45),
    ("Iron deficiency anaemia", "D50.9", 12),
]
INSURERS = ["National Health Fund", "BlueRiver Mutual", "Meridian Assurance", "Teachers' Sick Fund"]
STREETS = ["Mill Lane", "Station Road", "Orchard Way", "Chapel Street", "Harbour View", "Elm Grove", "Kingfisher Close", "Market Square"]
RELATIONS = ["wife", "husband", "mother", "father", "sister", "brother", "daughter", "son", "neighbour"]
