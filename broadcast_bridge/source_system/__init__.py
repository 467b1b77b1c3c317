"""The link to the province's source information system (Hệ thống thông tin nguồn): bulletins down, reports up.

Rules and tables know no transport. A *dialect* (`exchange.Dialect`) translates the protocol of one kind of system.
"""
