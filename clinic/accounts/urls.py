from django.urls import path

from clinic.accounts import views

app_name = "accounts"

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("session/", views.session, name="session"),
    path("unlock/", views.unlock, name="unlock"),
    path("password/", views.password_change, name="password_change"),
    path("password/forgotten/", views.reset, name="reset"),
    path("password/new/<str:token>/", views.reset_confirm, name="reset_confirm"),
    path("sign-up/", views.sign_up, name="sign_up"),
    path("sign-up/<str:token>/", views.sign_up_confirm, name="sign_up_confirm"),
]
