"""The dialects by their names in the district file."""

from collections.abc import Mapping

from broadcast_bridge.source_system.device_dialect import DeviceDialect
from broadcast_bridge.source_system.exchange import Dialect
from broadcast_bridge.source_system.neutral_dialect import NeutralDialect
from broadcast_bridge.source_system.portal_dialect import PortalDialect

NEUTRAL, DEVICE, PORTAL = "neutral", "device", "portal"
DIALECTS: Mapping[str, Dialect] = {NEUTRAL: NeutralDialect(), DEVICE: DeviceDialect(), PORTAL: PortalDialect()}
