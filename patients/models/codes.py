from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q


class Icd10CodeQuerySet(models.QuerySet):
    def of_words(self, words: list[str]):
        """Those of which every word is the beginning or a part; plain lower-case words."""
        return self.filter(*(Q(search_words__contains=word) for word in words))


class Icd10Code(models.Model):
    """A code of ICD-10 (WHO, 2019), filled by `manage.py load_icd10`. Empty, only a code's form is checked."""

    code = models.CharField(max_length=10, unique=True, help_text="With its dot, such as J06.9.")
    title = models.CharField(max_length=300, help_text="As the WHO words it.")
    search_words = models.TextField(help_text="Code, title and common words for it, in lower case without accents.")

    objects = Icd10CodeQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        verbose_name = "ICD-10 code"
        indexes = [GinIndex(OpClass(F("search_words"), name="gin_trgm_ops"), name="icd10_search_words")]

    def __str__(self):
        return f"{self.code} {self.title}"
