from rest_framework import mixins
from rest_framework.viewsets import GenericViewSet

from clinic.core.api import HasActionPermission
from patients import permissions, selectors
from patients.api.serializers import BreakGlassSerializer


class BreakGlassViewSet(mixins.ListModelMixin, GenericViewSet):
    """Who opened which restricted chart, and why; the newest first."""

    permission_classes = [HasActionPermission]
    action_permissions = {"list": permissions.VIEW_BREAK_GLASS}
    serializer_class = BreakGlassSerializer

    def get_queryset(self):
        return selectors.openings()
