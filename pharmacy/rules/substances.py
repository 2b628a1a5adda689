"""Which ingredients belong together when someone is allergic to one of them."""

# Written by hand after the groups of the WHO's ATC/DDD index (the codes stand beside each class), cut to
# ingredients of an outpatient formulary; a class is here only where a reaction to one member warns of the others.
CLASSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "penicillins": (  # J01C
        ("penicillin", "penicillins", "beta lactam", "beta lactams", "betalactam", "pcn"),
        ("amoxicillin", "amoxycillin", "ampicillin", "bacampicillin", "benzathine benzylpenicillin", "benzylpenicillin", "cloxacillin",
         "co amoxiclav", "dicloxacillin", "flucloxacillin", "mezlocillin", "nafcillin", "oxacillin", "phenoxymethylpenicillin",
         "penicillin g",
         "penicillin v", "piperacillin", "pivmecillinam", "procaine benzylpenicillin", "ticarcillin"),
    ),
    "cephalosporins": (  # J01DB to J01DE
        ("cephalosporin", "cephalosporins", "cefalosporin", "cefalosporins", "beta lactam", "beta lactams", "betalactam"),
        ("cefaclor", "cefadroxil", "cefalexin", "cephalexin", "cefazolin", "cefdinir", "cefepime", "cefixime", "cefotaxime", "cefpodoxime",
         "cefprozil", "cefradine", "ceftazidime", "ceftriaxone", "cefuroxime"),
    ),
    "sulfonamides": (  # J01E and relatives
        ("sulfa", "sulpha", "sulfa drug", "sulfonamide", "sulfonamides", "sulphonamide", "sulphonamides", "sulfonamide antibiotics"),
        ("co trimoxazole", "cotrimoxazole", "silver sulfadiazine", "sulfacetamide", "sulfadiazine", "sulfadoxine", "sulfamethoxazole",
         "sulfasalazine", "sulfisoxazole"),
    ),
    "macrolides": (  # J01FA
        ("macrolide", "macrolides"),
        ("azithromycin", "clarithromycin", "erythromycin", "josamycin", "roxithromycin", "spiramycin"),
    ),
    "tetracyclines": (  # J01A
        ("tetracycline", "tetracyclines"),
        ("doxycycline", "lymecycline", "minocycline", "oxytetracycline", "tetracycline", "tigecycline"),
    ),
    "quinolones": (  # J01M
        ("quinolone", "quinolones", "fluoroquinolone", "fluoroquinolones"),
        ("ciprofloxacin", "levofloxacin", "moxifloxacin", "nalidixic acid", "norfloxacin", "ofloxacin"),
    ),
    "non-steroidal anti-inflammatory drugs": (  # M01A, and N02BA01
        ("nsaid", "nsaids", "anti inflammatories", "anti inflammatory"),
        ("acetylsalicylic acid", "aspirin", "celecoxib", "diclofenac", "etoricoxib", "flurbiprofen", "ibuprofen", "indometacin",
         "indomethacin", "ketoprofen", "ketorolac", "mefenamic acid", "meloxicam", "nabumetone", "naproxen", "piroxicam", "tenoxicam"),
    ),
    "opioids": (  # N02A
        ("opioid", "opioids", "opiate", "opiates"),
        ("buprenorphine", "codeine", "dihydrocodeine", "fentanyl", "hydrocodone", "hydromorphone", "methadone", "morphine", "oxycodone",
         "pethidine", "tapentadol", "tramadol"),
    ),
    "ACE inhibitors": (  # C09A
        ("ace inhibitor", "ace inhibitors"),
        ("captopril", "enalapril", "fosinopril", "lisinopril", "perindopril", "quinapril", "ramipril", "trandolapril"),
    ),
}  # fmt: skip

# Names of one substance: international nonproprietary name first.
SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("paracetamol", "acetaminophen"),
    ("acetylsalicylic acid", "aspirin", "asa"),
    ("amoxicillin", "amoxycillin"),
    ("cefalexin", "cephalexin"),
    ("salbutamol", "albuterol"),
    ("epinephrine", "adrenaline"),
    ("furosemide", "frusemide"),
    ("indometacin", "indomethacin"),
    ("glyceryl trinitrate", "nitroglycerin"),
    ("levothyroxine", "thyroxine"),
    ("benzylpenicillin", "penicillin g"),
    ("phenoxymethylpenicillin", "penicillin v"),
    ("clavulanic acid", "clavulanate"),
)
