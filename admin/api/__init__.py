"""`/api/v1`: the station for other programs, from the same domain functions as the pages.

`operations` says what a route is and makes both the route and its part of the OpenAPI document from it; `documents`
has the shapes that travel; every other module is a group of routes.
"""
