"""How a study's export is described."""

from __future__ import annotations

from crohub.exports.study import FORMS
from hub.api.openapi_parts import Json, operation, parameter, record_id


def description() -> Json:
    """`paths` and `components` of the route."""
    form = parameter("as", "the form", "|".join(FORMS))
    media = [one.media.partition(";")[0] for one in FORMS.values()]
    says = "the study's definition, and as ODM where its subjects stand"
    told = operation(
        "Study", says, "anything", [record_id(), form | {"required": True}], media=media
    )
    return {"paths": {"/api/v1/studies/{id}/export": {"get": told}}, "components": {}}
