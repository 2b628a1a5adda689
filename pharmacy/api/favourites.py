"""Lines that doctors prescribe often."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pharmacy.api.body import checked
from pharmacy.api.serializers import FavouriteInput, FavouriteSerializer
from pharmacy.models import Favourite
from pharmacy.permissions import PRESCRIBE
from pharmacy.services.favourites import drop_favourite, keep_favourite


class FavouriteViewSet(mixins.ListModelMixin, GenericViewSet):
    """The caller's own, and those for everyone."""

    serializer_class = FavouriteSerializer
    lookup_field = "public_id"
    action_permissions = {"list": PRESCRIBE, "create": PRESCRIBE, "destroy": PRESCRIBE}
    queryset = Favourite.objects.all()

    def get_queryset(self):
        return Favourite.objects.visible_to(self.request.user).offered()

    @extend_schema(request=FavouriteInput, responses={201: FavouriteSerializer})
    def create(self, request):
        body = checked(FavouriteInput, request)
        favourite = keep_favourite(for_everyone=body.pop("for_everyone"), item=body, by=request.user)
        return Response(self.get_serializer(favourite).data, status=201)

    def destroy(self, request, public_id):
        drop_favourite(favourite=self.get_object(), by=request.user)
        return Response(status=204)
