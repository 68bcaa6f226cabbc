"""The models behind the forecasts: training them, and whether they can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_openapi3 import Tag

from chocofactory.api.forecast_schemas import ModelDetails, ModelPath, ModelsAnswer, ValidationAnswer
from chocofactory.api.jobs import accepted
from chocofactory.api.schemas import Problem, RunAnswer
from chocofactory.bootstrap import factory
from chocofactory.services.records import (
    drift_record,
    promotion_record,
    proof_record,
    serving_record,
    version_details,
    version_record,
    versus_naive,
)

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

NAME = "models"
TRAIN = "train_models"
_TAG = Tag(name="Models", description="Versions of the price models, one a training")
_NO_VERSION = "No model was trained yet: POST /api/v1/models/train or `chocofactory train` does it."
# Ids of versions are longer than the names of what else stands below /models: so no wrong method takes one for an id.
_VERSION = "/models/<string(minlength=9):name>"


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get("/models", tags=[_TAG], summary="All versions", responses={"200": ModelsAnswer, "503": Problem})
    def models() -> dict[str, Any]:
        """Newest first, with what each proved over all hours, and which one serves."""
        versions, serving = factory().models.versions(), factory().models.serving()
        return {
            "serving": serving_record(serving),
            "models": [version_record(version, serving) for version in versions],
            "total_records": len(versions),
            "promotions": [promotion_record(promotion) for promotion in factory().models.history()],
            "reason": None if versions else _NO_VERSION,
        }

    @blueprint.post(
        "/models/train",
        tags=[_TAG],
        summary="Train a version",
        responses={"202": RunAnswer, "409": Problem, "503": Problem},
    )
    def train() -> tuple[dict[str, Any], int, dict[str, str]]:
        """In a process of its own; it serves only if it proves good enough. `Location` tells where to watch the run."""
        return accepted(factory().jobs.start(TRAIN, {}, "api"))

    @blueprint.get(
        "/models/validate",
        tags=[_TAG],
        summary="Can the models be trusted",
        responses={"200": ValidationAnswer, "503": Problem},
    )
    def validate() -> dict[str, Any]:
        """Files by their hashes, the serving version's proof, and how its forecasts have fared since."""
        checks, serving = factory().models.validate(), factory().models.serving()
        report = serving.version.report if serving.version else {}
        return {
            "files_ok": all(check.ok for check in checks) if checks else None,
            "files": [
                {"name": check.version, "ok": check.ok, "message": str(check.message) if check.message else None}
                for check in checks
            ],
            "serving": serving_record(serving),
            **versus_naive(report, serving.model),
            "proof": proof_record(report),
            "drift": drift_record(factory().accuracy.realised()),
        }

    @blueprint.get(
        _VERSION, tags=[_TAG], summary="One version", responses={"200": ModelDetails, "404": Problem, "503": Problem}
    )
    def model(path: ModelPath) -> dict[str, Any]:
        """With its parameters, and its proof by lead day, hour and month."""
        return version_details(factory().models.show(path.name), factory().models.serving())

    @blueprint.delete(
        _VERSION,
        tags=[_TAG],
        summary="Delete a version",
        responses={"204": None, "404": Problem, "409": Problem, "503": Problem},
    )
    def delete(path: ModelPath) -> tuple[str, int]:
        """Never the one that serves."""
        factory().models.delete(path.name)
        return "", 204
