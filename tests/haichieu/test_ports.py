"""Ports of a station: no two of those that it opens may be one."""

from pathlib import Path

import pytest

from haichieu.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    "ports",
    [
        {"sip_port": 5065, "web_port": 5065},
        {"sip_tls_port": 5065, "ari_port": 5065},
        {"sip_port": 5065, "fan_out_port": 5065, "fan_out": True},
    ],
)
def test_one_port_for_two_purposes_is_refused(tmp_path: Path, ports: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match="5065"):
        load_settings(home=tmp_path, **ports)


def test_port_of_a_fan_out_that_is_off_is_free(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path, sip_port=5065, fan_out_port=5065).sip_port == 5065
