from analytics.models.dimensions import DimDate, DimDepartment, DimDoctor, DimMedicine, DimPatient
from analytics.models.facts import FactAppointment, FactDispense, FactPayment, FactVisit, PaymentKind
from analytics.models.month_reports import MailStatus, MonthReportMail, MonthReportReader
from analytics.models.rollups import DepartmentMonth, DoctorDay, DoctorMonth, DoctorYear
from analytics.models.state import Change, EtlState, Subject

__all__ = [
    "Change",
    "DepartmentMonth",
    "DimDate",
    "DimDepartment",
    "DimDoctor",
    "DimMedicine",
    "DimPatient",
    "DoctorDay",
    "DoctorMonth",
    "DoctorYear",
    "EtlState",
    "FactAppointment",
    "FactDispense",
    "FactPayment",
    "FactVisit",
    "MailStatus",
    "MonthReportMail",
    "MonthReportReader",
    "PaymentKind",
    "Subject",
]
