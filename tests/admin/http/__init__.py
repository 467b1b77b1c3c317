"""Tests of `admin.http`."""
