"""The district of these tests: two communes, overlapping zones, three officials, a carrier."""

import os
from pathlib import Path

HAI, MAI, LAN = "+84912000001", "+84912000002", "+84912000003"
MAI_SECOND = "+84206000002"
PINS = {HAI: "246810", MAI: "135791", LAN: "864209"}
GROUP, GROUP_PORT = "239.255.77.41", 15004 + 2 * (os.getpid() % 1000)
URGENT_GROUP = "239.255.77.42"
"""Stations of tests that run side by side would hear each other: a port for each process, even as RTP has it."""
DUTY_DESK = "+842063000001"
ENCRYPTED = ("cb-1", "cp-1", "may-lan")
"""Speakers and a phone that demand encryption: they use TLS and SRTP in every test."""
EMERGENCY, EMERGENCY_PIN = "1999", "971357"


def password(name: str) -> str:
    """The SIP password of a speaker or phone."""
    return f"secret-of-{name}"


def _encrypted(code: str) -> str:
    return str(code in ENCRYPTED).lower()


def _speaker(code: str, unit: str) -> str:
    return (
        f'[[speakers]]\nid = "{code}"\nname = "Loa {code}"\nunit = "{unit}"\npassword = "{password(code)}"\n'
        f"encrypted = {_encrypted(code)}\n"
    )


def _zone(code: str, name: str, what: str) -> str:
    return f'[[zones]]\ncode = "{code}"\nname = "{name}"\n{what}\n'


def _official(code: str, name: str, phones: list[str], zones: str, more: str = "", may: str = '"live"') -> str:
    return (
        f'[[officials]]\ncode = "{code}"\nname = "{name}"\nunit = "CB"\nphones = {phones}\n'
        f'pin = "{PINS[phones[0]]}"\nzones = [{zones}]\nmay = [{may}]\n{more}\n'
    )


def _phone(code: str, number: str) -> str:
    return (
        f'[[phones]]\nid = "{code}"\nname = "{code}"\npassword = "{password(code)}"\ncaller_number = "{number}"\n'
        f"encrypted = {_encrypted(code)}\n"
    )


def write_district(path: Path, carrier_port: int, *, texts: bool = False) -> Path:
    """Write the district file and return its path."""
    parts = [
        f'[station]\nname = "Thử"\nemergency_number = "{EMERGENCY}"\nemergency_pin = "{EMERGENCY_PIN}"\n'
        'reply_hours = "00:00-00:00"\n',
        '[[units]]\ncode = "CB"\nname = "Cô Ba"\nlevel = "commune"\n',
        '[[units]]\ncode = "CP"\nname = "Cốc Pàng"\nlevel = "commune"\n',
        *(_speaker(code, unit) for code, unit in (("cb-1", "CB"), ("cb-2", "CB"), ("cp-1", "CP"), ("cp-9", "CP"))),
        '[[speakers]]\nid = "group"\nname = "Nhóm"\nunit = "CP"\ncodecs = ["ulaw"]\n'
        f'multicast = "{GROUP}:{GROUP_PORT}"\n'
        f'multicast_by_priority = {{ emergency = "{URGENT_GROUP}:{GROUP_PORT}" }}\n',
        '[[units]]\ncode = "LP"\nname = "Lũng Pán"\nlevel = "village"\n',
        _speaker("wide", "LP") + 'codecs = ["g722"]\n',
        _speaker("low", "LP") + "volume_db = -12.0\n",
        _speaker("plain", "LP"),
        _zone("11", "Cô Ba", 'units = ["CB"]'),
        _zone("12", "Cốc Pàng", 'speakers = ["cp-1"]'),
        _zone("13", "Giao nhau", 'speakers = ["cb-2", "cp-1"]'),
        _zone("14", "Nhóm phát", 'speakers = ["group"]'),
        _zone("16", "Lũng Pán", 'units = ["LP"]'),
        _zone("15", "Im lặng", 'speakers = ["cp-9"]'),
        _official("1001", "Nông Văn Hải", [HAI], '"11", "14", "15"'),
        _official("1002", "Hoàng Thị Mai", [MAI, MAI_SECOND], '"11"', "call_back = true"),
        _official("1003", "Lý Thị Lan", [LAN], '"12", "13"', may='"live", "record", "repair"'),
        '[[numbers]]\nnumber = "1900"\nflow = "official-line"\nunit = "CB"\n',
        f'[[numbers]]\nnumber = "1022"\nflow = "hotline"\nunit = "CB"\nduty_phone = "{DUTY_DESK}"\n',
        '[[numbers]]\nnumber = "1023"\nflow = "hotline"\nunit = "CP"\nmissed_call_back = true\n',
        '[[numbers]]\nnumber = "1024"\nflow = "fault-line"\nunit = "CB"\nmissed_call_back = true\n',
        _phone("ban-truc", DUTY_DESK),
        '[[departments]]\ncode = "kinh-te"\nname = "Phòng Kinh tế"\n',
        '[[categories]]\ncode = "1"\nname = "Điện, nước"\ndepartment = "kinh-te"\nanswer_within_days = 7\n',
        '[[categories]]\ncode = "2"\nname = "Chính sách"\ndepartment = "kinh-te"\nanswer_within_days = 7\n',
        _phone("may-hai", HAI),
        _phone("may-lan", LAN),
        _phone("may-la", "+84987654321"),
        f'[[trunks]]\nid = "carrier"\nhost = "127.0.0.1"\nport = {carrier_port}\noutbound = true\n'
        f"texts = {str(texts).lower()}\n"
        'prefix_rules = [["+84", "0"]]\n',
    ]
    path.write_text("\n".join(parts).replace("'", '"'))
    return path
