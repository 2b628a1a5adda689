from django.contrib.auth.backends import BaseBackend

from clinic.accounts.models import User
from clinic.accounts.roles import Role


class RoleBackend(BaseBackend):
    """Permissions by role, from the table in code. Signing in is a service of its own (attempts are counted)."""

    def get_user(self, user_id):
        return User.objects.active().with_roles().filter(pk=user_id).first()

    def has_perm(self, user_obj, perm, obj=None):
        if not user_obj.is_active:
            return False
        return Role.ADMIN in user_obj.roles or perm in user_obj.codenames

    def has_module_perms(self, user_obj, app_label):
        return self.has_perm(user_obj, "") or any(code.startswith(f"{app_label}.") for code in user_obj.codenames)
