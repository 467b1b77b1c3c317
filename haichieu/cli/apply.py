"""TEMPORARY naive apply."""

import tomllib

from broadcast_bridge.models import *
from dialplans.models import *
from haichieu.database import *
from haichieu.people import *
from haichieu.station import Station
from haichieu.vault import *
from ivr.routing import Number
import feedback.models, haichieu.media, haichieu.audit


def run_apply(settings, file, *, dry_run, prune, as_json):
    migrate(settings.resolved_database_url)
    d = tomllib.loads(file.read_text())
    db = Database(settings.resolved_database_url)
    v = open_vault(settings.home.absolute())
    with db.session() as s:
        st = d.get("station", {})
        s.add(
            Station(
                id=1,
                name=st.get("name", "x"),
                languages=st.get("languages", ["vi"]),
                emergency_number=st.get("emergency_number", ""),
                emergency_pin_locked=v.lock(st["emergency_pin"]) if st.get("emergency_pin") else "",
            )
        )
        U = {}
        for u in d.get("units", []):
            U[u["code"]] = x = Unit(
                code=u["code"], name=u["name"], level=u["level"], parent_id=U[u["parent"]].id if "parent" in u else None
            )
            s.add(x)
            s.flush()
        S = {}
        for p in d.get("speakers", []):
            S[p["id"]] = x = Speaker(
                code=p["id"],
                name=p["name"],
                unit_id=U[p["unit"]].id,
                password_locked=v.lock(p.get("password", "")),
                multicast=p.get("multicast", ""),
                codecs=p.get("codecs", ["alaw", "ulaw"]),
            )
            s.add(x)
        Z = {}
        for z in d.get("zones", []):
            Z[z["code"]] = x = Zone(
                code=z["code"],
                name=z["name"],
                units=[U[c] for c in z.get("units", [])],
                speakers=[S[c] for c in z.get("speakers", [])],
            )
            s.add(x)
        for o in d.get("officials", []):
            x = Official(
                code=o["code"],
                name=o["name"],
                unit_id=U[o["unit"]].id,
                pin_hash=hash_secret(o["pin"]),
                may=o["may"],
                call_back=o.get("call_back", False),
            )
            s.add(x)
            x.phones = [OfficialPhone(number=n, position=i) for i, n in enumerate(o["phones"])]
            for c in o["zones"]:
                Z[c].officials.append(x)
        for n in d.get("numbers", []):
            s.add(Number(number=n["number"], flow=n["flow"], unit_id=U[n["unit"]].id))
        for p in d.get("phones", []):
            s.add(
                Phone(
                    code=p["id"],
                    name=p["name"],
                    password_locked=v.lock(p["password"]),
                    caller_number=p["caller_number"],
                )
            )
        for t in d.get("trunks", []):
            s.add(
                Trunk(
                    code=t["id"],
                    host=t["host"],
                    port=t["port"],
                    outbound=t.get("outbound", False),
                    prefix_rules=t.get("prefix_rules", []),
                )
            )
