"""The probes on offer: each keeps its protocol, and its row says what it is."""

from __future__ import annotations

import json

import pytest
from foresight_harness.contracts.errors import PluginError
from foresight_harness.contracts.probes import PixelProbe, Probe
from foresight_harness.contracts.specs import ProbeSpec
from foresight_harness.parts.probes.specs import probe_specs

SPECS = pytest.mark.parametrize("spec", probe_specs(), ids=lambda spec: spec.name)


@SPECS
def test_every_probe_keeps_the_protocol_and_its_own_name(spec: ProbeSpec) -> None:
    one = spec.build()
    assert isinstance(one, PixelProbe if spec.reads == "pixels" else Probe)
    assert one.name == spec.name
    assert one is not spec.build()


@SPECS
def test_choices_of_a_probe_name_it_and_survive_json(spec: ProbeSpec) -> None:
    choices = dict(spec.build().choices())
    assert str(choices["probe"]).startswith(spec.name + "/")
    assert json.loads(json.dumps(choices)) == choices


@SPECS
def test_only_closed_form_probes_need_one_seed(spec: ProbeSpec) -> None:
    assert spec.seeded is (spec.name not in ("dense_ridge", "flattened_ridge", "global_pixels", "linear_pixels"))


def test_a_brief_probe_is_the_same_with_fewer_steps() -> None:
    brief = {spec.name: spec for spec in probe_specs() if spec.brief is not None}
    assert set(brief) == {"detr", "detr_no_position"}
    for spec in brief.values():
        assert spec.brief().choices()["fit_steps"] < spec.build().choices()["fit_steps"]
        assert spec.brief().choices()["probe"] == spec.build().choices()["probe"]


def test_a_probe_is_not_taken_for_what_it_does_not_read() -> None:
    specs = {spec.name: spec for spec in probe_specs()}
    with pytest.raises(PluginError, match="probe 'linear_pixels' reads pixels, and a probe of boxes was asked for"):
        specs["linear_pixels"].of_boxes()
    with pytest.raises(PluginError, match="probe 'knn' reads boxes, and a probe of pixels was asked for"):
        specs["knn"].of_pixels()


def test_one_probe_is_primary_and_the_documents_own_are_for_the_audit_alone() -> None:
    assert [spec.name for spec in probe_specs() if spec.primary] == ["dense_ridge"]
    assert {spec.name for spec in probe_specs() if spec.audit_only} == {
        *("pooled_mlp", "flattened_ridge", "detr_no_position")
    }
