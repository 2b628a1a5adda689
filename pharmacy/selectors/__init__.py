"""Reads shaped like a page or an endpoint; they never write."""

from pharmacy.selectors.prescribing import prescribing_context

__all__ = ["prescribing_context"]
