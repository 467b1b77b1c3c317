"""Registration of all API routes."""

from flask import Flask

from admin.api.api_operations import Api, register_document
from admin.api.broadcasts import register_broadcasts
from admin.api.cases import register_cases
from admin.api.reports import register_reports
from admin.api.schedules import register_schedules
from admin.panel import Panel


def register_api(app: Flask, panel: Panel) -> None:
    """Add every route of `/api/v1`."""
    api = Api(app, panel)
    for register in (register_broadcasts, register_schedules, register_cases, register_reports):
        register(api, panel)
    register_document(api)
    app.extensions["haichieu_api"] = api
