"""The API's description of signing in and of the directory."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from clinic.accounts.api import auth, directory
from clinic.accounts.api.serializers import (
    AddressInput,
    DoctorDetailsInput,
    DoctorFilter,
    DoctorInput,
    DoctorSerializer,
    LoginInput,
    MeSerializer,
    NewPasswordInput,
    RefreshInput,
    SignUpInput,
    StaffInput,
    UserSerializer,
)
from clinic.core.schema import CHECKS_VERSION, IF_MATCH, NOTHING, READS_VERSION, SHOWS_VERSION, describe


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "clinic.accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "clinic.accounts.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class TokenPairSerializer(serializers.Serializer):
    """The access token lives for minutes; the refresh token is for one use."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class LoginSerializer(TokenPairSerializer):
    user = UserSerializer()


describe(
    auth.LoginView,
    post=extend_schema(operation_id="auth_login", request=LoginInput, responses={200: LoginSerializer, 401: None, 429: None}),
)
describe(
    auth.RefreshView,
    post=extend_schema(operation_id="auth_refresh", request=RefreshInput, responses={200: TokenPairSerializer, 401: None}),
)
describe(auth.LogoutView, post=extend_schema(operation_id="auth_logout", request=RefreshInput, responses={204: NOTHING, 401: None}))
describe(auth.MeView, get=extend_schema(operation_id="auth_me", description="Who is signed in.", responses=MeSerializer))
describe(
    auth.RegisterStaffView,
    post=extend_schema(
        operation_id="auth_register", description="An account for someone of the staff.", request=StaffInput, responses={201: MeSerializer}
    ),
)


class MailSentSerializer(serializers.Serializer):
    detail = serializers.CharField()


describe(
    auth.SignUpView,
    post=extend_schema(
        operation_id="auth_signup",
        description="Asks for a patient's account. The answer is the same whether the address is known or not.",
        request=SignUpInput,
        responses={202: MailSentSerializer, 409: None, 429: None},
    ),
)
describe(
    auth.ConfirmSignUpView,
    post=extend_schema(
        operation_id="auth_signup_confirm",
        description="Makes the account, with the token of the mail. It works once.",
        request=NewPasswordInput,
        responses={201: UserSerializer, 409: None},
    ),
)
describe(
    auth.AskForResetView,
    post=extend_schema(
        operation_id="auth_password_reset",
        description="Asks for a mail to set a new password, for a patient's account. The answer is always the same.",
        request=AddressInput,
        responses={202: MailSentSerializer, 409: None, 429: None},
    ),
)
describe(
    auth.ResetPasswordView,
    post=extend_schema(operation_id="auth_password_reset_confirm", request=NewPasswordInput, responses={204: NOTHING, 409: None}),
)

describe(directory.DepartmentViewSet, doctors=extend_schema(description="Who works there.", responses=DoctorSerializer(many=True)))
describe(
    directory.DoctorViewSet,
    list=extend_schema(parameters=[DoctorFilter]),
    retrieve=extend_schema(parameters=READS_VERSION),
    create=extend_schema(request=DoctorInput, responses={201: DoctorSerializer}, parameters=SHOWS_VERSION),
    update=extend_schema(request=DoctorDetailsInput, responses=DoctorSerializer, parameters=CHECKS_VERSION),
    partial_update=extend_schema(request=DoctorDetailsInput, responses=DoctorSerializer, parameters=CHECKS_VERSION),
    destroy=extend_schema(responses={204: NOTHING}, parameters=[IF_MATCH]),
)
