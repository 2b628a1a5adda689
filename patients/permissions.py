VIEW_PATIENT = "patients.view_patient"
ADD_PATIENT = "patients.add_patient"
CHANGE_PATIENT = "patients.change_patient"
CHANGE_OWN_CONTACT = "patients.change_own_contact"
DEACTIVATE_PATIENT = "patients.deactivate_patient"
VIEW_ACCESS_LOG = "patients.view_access_log"

VIEW_ENCOUNTER = "patients.view_encounter"
START_ENCOUNTER = "patients.start_encounter"
RECORD_VITALS = "patients.record_vitals"
WRITE_ENCOUNTER = "patients.write_encounter"
SIGN_ENCOUNTER = "patients.sign_encounter"

MANAGE_TREATMENT_TYPES = "patients.manage_treatment_types"
