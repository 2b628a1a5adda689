from django.urls import path

from patients.views import access, chart, drafts, importing, merging, patients, records

app_name = "patients"

urlpatterns = [
    path("", patients.patient_list, name="list"),
    path("suggest/", patients.suggest, name="suggest"),
    path("register/", patients.register, name="register"),
    path("import/", importing.import_patients, name="import"),
    path("openings/", access.openings, name="openings"),
    path("access-log/", access.own_access_log, name="own_access_log"),
    path("<uuid:patient>/", chart.chart, name="chart"),
    path("<uuid:patient>/label/", patients.label, name="label"),
    path("<uuid:patient>/access-log/", access.access_log, name="access_log"),
    path("<uuid:patient>/duplicates/", merging.duplicates, name="duplicates"),
    path("<uuid:patient>/merge/<uuid:other>/", merging.merge, name="merge"),
    path("<uuid:patient>/unmerge/", merging.unmerge, name="unmerge"),
    path("<uuid:patient>/not-duplicate/<uuid:other>/", merging.not_duplicate, name="not_duplicate"),
    path("<uuid:patient>/break-glass/", access.break_glass, name="break_glass"),
    path("<uuid:patient>/restrict/", access.restrict, name="restrict"),
    path("<uuid:patient>/unrestrict/", access.unrestrict, name="unrestrict"),
    path("<uuid:patient>/edit/", patients.edit, name="edit"),
    path("<uuid:patient>/deactivate/", patients.deactivate, name="deactivate"),
    path("<uuid:patient>/reactivate/", patients.reactivate, name="reactivate"),
    path("notes/", patients.note_search, name="note_search"),
    path("diagnosis-codes/", records.suggest_codes, name="suggest_codes"),
    path("encounters/<uuid:encounter>/summary/", records.save_summary, name="save_summary"),
    path("encounters/<uuid:encounter>/vitals/", records.add_vitals, name="add_vitals"),
    path("encounters/<uuid:encounter>/vitals/<uuid:vitals>/remove/", records.remove_vitals, name="remove_vitals"),
    path("encounters/<uuid:encounter>/diagnoses/", records.add_diagnosis, name="add_diagnosis"),
    path("encounters/<uuid:encounter>/diagnoses/<uuid:diagnosis>/remove/", records.remove_diagnosis, name="remove_diagnosis"),
    path("encounters/<uuid:encounter>/attachments/", records.add_attachment, name="add_attachment"),
    path("encounters/<uuid:encounter>/attachments/<uuid:attachment>/", records.attachment, name="attachment"),
    path("encounters/<uuid:encounter>/attachments/<uuid:attachment>/remove/", records.remove_attachment, name="remove_attachment"),
    path("encounters/<uuid:encounter>/notes/", records.write_note, name="write_note"),
    path("encounters/<uuid:encounter>/addenda/", records.add_addendum, name="add_addendum"),
    path("encounters/<uuid:encounter>/draft/", drafts.draft, name="draft"),
    path("encounters/<uuid:encounter>/sign/", records.sign, name="sign"),
    path("encounters/<uuid:encounter>/in-error/", records.enter_in_error, name="enter_in_error"),
]
