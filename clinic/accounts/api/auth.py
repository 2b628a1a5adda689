"""Signing up, in and out over the API, and the accounts of staff."""

from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.accounts.api.serializers import (
    AddressInput,
    LoginInput,
    MeSerializer,
    NewPasswordInput,
    RefreshInput,
    SignUpInput,
    StaffInput,
    UserSerializer,
)
from clinic.accounts.models import ApiSession
from clinic.accounts.origin import origin_of
from clinic.accounts.permissions import MANAGE_USERS
from clinic.accounts.services import mailed_links, staff, tokens
from clinic.accounts.services.sign_in import sign_in
from clinic.core.api import ANY_SIGNED_IN


class LoginView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request):
        body = LoginInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = sign_in(identifier=body.validated_data["username"], password=body.validated_data["password"], origin=origin_of(request))
        pair = tokens.open_session(user=user)
        return Response(
            {"access": pair.access, "refresh": pair.refresh, "user": UserSerializer(user).data}, headers={"Cache-Control": "no-store"}
        )


class RefreshView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request):
        body = RefreshInput(data=request.data)
        body.is_valid(raise_exception=True)
        pair = tokens.rotate(refresh=body.validated_data["refresh"])
        return Response({"access": pair.access, "refresh": pair.refresh}, headers={"Cache-Control": "no-store"})


class LogoutView(APIView):
    """Ends the session of the bearer token, or the one whose refresh token is sent."""

    permission_classes = (AllowAny,)

    def post(self, request):
        if isinstance(request.auth, ApiSession):
            tokens.end_session(session=request.auth)
            return Response(status=204)
        body = RefreshInput(data=request.data)
        body.is_valid(raise_exception=True)
        tokens.end_session(session=tokens.session_of_refresh(body.validated_data["refresh"]))
        return Response(status=204)


class MeView(APIView):
    action_permissions = {"get": ANY_SIGNED_IN}

    def get(self, request):
        return Response(MeSerializer(request.user).data)


class RegisterStaffView(APIView):
    action_permissions = {"post": MANAGE_USERS}

    def post(self, request):
        body = StaffInput(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        user = staff.register_staff(roles=data.pop("roles"), doctor=data.pop("doctor", None), data=data, by=request.user)
        return Response(MeSerializer(user).data, status=201)


# Of both, whatever came of it: nobody learns which addresses are known.
MAIL_SENT = {"detail": "If that address can be used here, a mail is on its way. Its link works once."}


class SignUpView(APIView):
    """Roles, a password or a patient in the body mean nothing: the mailed link sets the password, reception says who it is."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request):
        body = SignUpInput(data=request.data)
        body.is_valid(raise_exception=True)
        mailed_links.ask_to_sign_up(data=body.validated_data, origin=origin_of(request))
        return Response(MAIL_SENT, status=202)


class ConfirmSignUpView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request):
        body = NewPasswordInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = mailed_links.confirm_sign_up(**body.validated_data)
        return Response(UserSerializer(user).data, status=201, headers={"Cache-Control": "no-store"})


class AskForResetView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request):
        body = AddressInput(data=request.data)
        body.is_valid(raise_exception=True)
        mailed_links.ask_for_reset(email=body.validated_data["email"], origin=origin_of(request))
        return Response(MAIL_SENT, status=202)


class ResetPasswordView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request):
        body = NewPasswordInput(data=request.data)
        body.is_valid(raise_exception=True)
        mailed_links.reset_password(**body.validated_data)
        return Response(status=204)
