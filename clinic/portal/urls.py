from django.urls import path

from clinic.portal.views import home

app_name = "portal"

urlpatterns = [
    path("", home.start, name="start"),
    path("home/", home.home, name="home"),
]
