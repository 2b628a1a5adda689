from django.urls import path
from rest_framework.routers import SimpleRouter

from clinic.accounts.api import auth, directory

router = SimpleRouter(use_regex_path=False)
router.register("facilities", directory.FacilityViewSet)
router.register("specializations", directory.SpecializationViewSet)
router.register("departments", directory.DepartmentViewSet)
router.register("doctors", directory.DoctorViewSet, basename="doctor")

urlpatterns = [
    path("auth/login/", auth.LoginView.as_view(), name="login"),
    path("auth/refresh/", auth.RefreshView.as_view(), name="refresh"),
    path("auth/logout/", auth.LogoutView.as_view(), name="logout"),
    path("auth/me/", auth.MeView.as_view(), name="me"),
    path("auth/register/", auth.RegisterStaffView.as_view(), name="register-staff"),
    path("auth/signup/", auth.SignUpView.as_view(), name="sign-up"),
    path("auth/signup/confirm/", auth.ConfirmSignUpView.as_view(), name="sign-up-confirm"),
    path("auth/password-reset/", auth.AskForResetView.as_view(), name="password-reset"),
    path("auth/password-reset/confirm/", auth.ResetPasswordView.as_view(), name="password-reset-confirm"),
    *router.urls,
]
