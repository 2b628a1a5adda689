"""Reads shaped like a page or an endpoint; they never write."""
