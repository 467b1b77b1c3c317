"""`/api/v1`: the station for other programs, with the same domain functions as the pages.

`operations` declares routes and generates the OpenAPI document from them; `documents` has the models of requests and
responses; every other module is a group of routes.
"""
