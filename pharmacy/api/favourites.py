"""Lines that doctors prescribe often."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pharmacy.api.body import checked
from pharmacy.api.serializers import FavouriteInput, FavouriteSerializer
from pharmacy.models import Favourite
from pharmacy.permissions import PRESCRIBE, SHARE_FAVOURITE
from pharmacy.services.favourites import drop_favourite, keep_favourite, share_favourite, unshare_favourite


class FavouriteViewSet(mixins.ListModelMixin, GenericViewSet):
    """The caller's own, and those for everyone."""

    serializer_class = FavouriteSerializer
    lookup_field = "public_id"
    action_permissions = {
        "list": PRESCRIBE,
        "create": PRESCRIBE,
        "destroy": PRESCRIBE,
        "share": SHARE_FAVOURITE,
        "unshare": SHARE_FAVOURITE,
    }
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

    @extend_schema(request=None, responses=FavouriteSerializer)
    @action(detail=True, methods=["post"])
    def share(self, request, public_id):
        """Give one's own to everyone."""
        return Response(self.get_serializer(share_favourite(favourite_id=self.get_object().pk, by=request.user)).data)

    @extend_schema(request=None, responses=FavouriteSerializer)
    @action(detail=True, methods=["post"])
    def unshare(self, request, public_id):
        """Take back for oneself what one shared."""
        return Response(self.get_serializer(unshare_favourite(favourite_id=self.get_object().pk, by=request.user)).data)
