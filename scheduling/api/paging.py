"""Pages that cost one query: one row more than asked for says whether there is a next page."""

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

DEFAULT_SIZE, LARGEST_SIZE, LAST_PAGE = 50, 200, 100_000


class PageInput(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, max_value=LAST_PAGE, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=10**6, default=DEFAULT_SIZE)


def paged(request, rows: QuerySet, as_json) -> Response:
    """{next, previous, results} of the ordered `rows`; `as_json(rows)` reads them."""
    asked = PageInput(data=request.query_params)
    asked.is_valid(raise_exception=True)
    page, size = asked.validated_data["page"], min(asked.validated_data["page_size"], LARGEST_SIZE)
    start = (page - 1) * size
    found = as_json(rows[start : start + size + 1])
    if page > 1 and not found:
        raise NotFound("There is no such page.")
    return Response(
        {
            "next": _link(request, page + 1) if len(found) > size else None,
            "previous": _link(request, page - 1) if page > 1 else None,
            "results": found[:size],
        }
    )


def _link(request, page: int) -> str:
    url = request.build_absolute_uri()
    return remove_query_param(url, "page") if page == 1 else replace_query_param(url, "page", page)
