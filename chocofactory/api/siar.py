"""SIAR's daily history: bringing files in, and the days themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, abort, request
from flask_openapi3 import Tag
from pydantic import ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from chocofactory.api.errors import validation_problem
from chocofactory.api.jobs import accepted
from chocofactory.api.schemas import Problem, RunAnswer
from chocofactory.api.siar_schemas import EtlBody, HistoryAnswer, HistoryQuery, StationAnswer
from chocofactory.bootstrap import factory
from chocofactory.core.clock import local_date
from chocofactory.services.climate import Scope, Station
from chocofactory.services.exports import file_name, siar_csv, siar_table
from chocofactory.services.imports import LARGEST_UPLOAD_BYTES, import_uploads
from chocofactory.services.siar import ETL, files_within

if TYPE_CHECKING:
    import pandas as pd
    from flask_openapi3 import APIBlueprint

    from chocofactory.store.state import JobRun

NAME = "siar"
NOTHING = "No SIAR day is kept: bring files in with POST /api/v1/siar/etl or `chocofactory etl siar`."
OUT_OF_RANGE = "No SIAR day that is kept lies within the range."
_TAG = Tag(name="SIAR", description="Daily weather history of the SIAR network")
_UPLOAD = {
    "type": "object",
    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": {**_UPLOAD, "required": ["files"]}},
        "application/json": {"schema": EtlBody.model_json_schema()},
    },
}


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.before_request
    def limit_uploads() -> None:
        request.max_content_length = LARGEST_UPLOAD_BYTES

    @blueprint.post(
        "/siar/etl",
        tags=[_TAG],
        summary="Bring in files of the SIAR site",
        responses={"202": RunAnswer, "409": Problem, "413": Problem, "415": Problem, "422": Problem},
        openapi_extensions={"requestBody": _BODY},
    )
    def etl() -> tuple[dict[str, Any], int, dict[str, str]]:
        """Uploaded files, or a folder below the server's data folder; `Location` tells where to watch the run."""
        if request.mimetype == "multipart/form-data":
            return accepted(_uploaded())
        if request.is_json:
            return accepted(_from_folder())
        raise UnsupportedMediaType

    @blueprint.get(
        "/siar/historical",
        tags=[_TAG],
        summary="Days, by date and station",
        responses={"200": HistoryAnswer, "404": Problem, "422": Problem, "503": Problem},
    )
    def historical(query: HistoryQuery) -> Response | dict[str, Any]:
        """All stations, each day with its own; `Accept: text/csv` gives the whole range as a file."""
        days = factory().climate.days(Scope(query.station, first=query.start_date, last=query.end_date))
        if request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv":
            return _csv(days)
        return _page(days, query)


def stations_of(stations: list[Station]) -> list[StationAnswer]:
    """Stations as REST shows them."""
    return [
        StationAnswer(
            station=station.name,
            first_day=station.first,
            last_day=station.last,
            days=station.days,
            missing_days=station.missing,
            kind=station.kind,
        )
        for station in stations
    ]


def reason_of(days: int) -> str | None:
    """Why there is nothing to tell, if there is nothing."""
    if days:
        return None
    return OUT_OF_RANGE if factory().climate.stations() else NOTHING


def _uploaded() -> JobRun:
    files = [(file.filename or "", file.read()) for _, file in request.files.items(multi=True)]
    return import_uploads(factory().jobs, factory().uploads, ETL, files, "api")


def _from_folder() -> JobRun:
    try:
        body = EtlBody.model_validate(request.get_json())
    except ValidationError as error:
        abort(validation_problem(error))
    files = files_within(factory().settings.data_dir, body.folder)
    return factory().jobs.start(ETL, {"files": [str(file) for file in files]}, "api")


def _csv(days: pd.DataFrame) -> Response:
    name = "siar.csv"
    if len(days):
        name = file_name("siar", local_date(days.index[0]), local_date(days.index[-1]), "csv")
    return Response(
        siar_csv(days), mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _page(days: pd.DataFrame, query: HistoryQuery) -> dict[str, Any]:
    end = query.offset + query.limit
    table = siar_table(days.iloc[query.offset : end])
    asked = {**request.args.to_dict(), "offset": end}
    return {
        "days": table.astype(object).where(table.notna(), None).to_dict("records"),
        "total_records": len(days),
        "limit": query.limit,
        "offset": query.offset,
        "next": f"{request.path}?{urlencode(asked)}" if end < len(days) else None,
        "stations": [station.model_dump(mode="json") for station in stations_of(factory().climate.stations())],
        "reason": reason_of(len(days)),
    }
