"""What the search for misspelt names stands on."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func


class SoundsLike(Func):
    """Daitch-Mokotoff codes of a word: names that sound alike, in many languages, share one."""

    function = "daitch_mokotoff"
    output_field = ArrayField(models.TextField())


class NameWord(models.Model):
    """A word that is in some patient's name, once. Misspelt words are looked up here, among few, not among all patients.

    Kept by triggers on Patient. A word stays when its last patient is renamed: then it finds nobody.
    """

    word = models.TextField(primary_key=True, db_collation="C", help_text="Lower case, without accents.")

    class Meta:
        indexes = [
            GinIndex(OpClass(F("word"), name="gin_trgm_ops"), name="name_word_trigrams"),
            GinIndex(SoundsLike("word"), name="name_word_sound"),
        ]

    def __str__(self):
        return self.word


def keeps_name_words(operation) -> pgtrigger.Trigger:
    """Of a whole statement, so that a million patients cost one; sorted, so that two statements cannot deadlock."""
    return pgtrigger.Trigger(
        name=f"patient_name_words_{'added' if operation is pgtrigger.Insert else 'changed'}",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(new="changed"),
        func="""
            INSERT INTO patients_nameword (word)
            SELECT DISTINCT words.word FROM changed, unnest(clinic_name_words(changed.search_name)) AS words (word)
             WHERE NOT EXISTS (SELECT FROM patients_nameword known WHERE known.word = words.word COLLATE "C")
             ORDER BY words.word
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        """,
    )
