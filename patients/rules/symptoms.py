"""Words for what patients complain of, offered while someone types; any other word is as good."""

from collections import Counter
from collections.abc import Iterable

LONGEST = 40  # characters; longer ones are sentences, and may tell of somebody
FEWEST_PATIENTS = 3  # from which on a word is the clinic's own, and not one patient's
MOST = 150

COMMON = (
    "abdominal pain", "anxiety", "back pain", "bleeding", "blurred vision", "chest pain", "chills", "constipation", "cough",
    "diarrhoea", "difficulty swallowing", "dizziness", "dry cough", "ear pain", "fainting", "fatigue", "fever", "frequent urination",
    "headache", "heartburn", "hoarseness", "itching", "joint pain", "leg swelling", "loss of appetite", "low mood", "muscle pain",
    "nausea", "neck pain", "night sweats", "numbness", "painful urination", "palpitations", "rash", "runny nose", "shortness of breath",
    "sleeplessness", "sneezing", "sore throat", "stuffy nose", "thirst", "toothache", "tremor", "vomiting", "weakness", "weight gain",
    "weight loss", "wheezing",
)  # fmt: skip


def suggested(noted: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """Of (patient, symptoms): the words that several patients share, the most frequent first; then the common ones. Each once."""
    used = {(patient, " ".join(word.split()).lower()) for patient, words in noted for word in words}
    count = Counter(word for _, word in used if word and len(word) <= LONGEST and "," not in word)
    own = sorted((word for word in count if count[word] >= FEWEST_PATIENTS), key=lambda word: (-count[word], word))
    return list(dict.fromkeys([*own, *COMMON]))[:MOST]
