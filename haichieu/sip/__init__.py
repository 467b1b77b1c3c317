"""SIP: addresses, one account as an endpoint (pjsua2), its events, and the accounts of phones and trunks.

Only `endpoint` and `messaging` use pjsua2; the station itself runs without it.
"""
