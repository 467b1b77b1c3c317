import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.alerts.hosts import origin, same_host, same_origin

FEED = "https://cap.example.vn/feed"


@pytest.mark.parametrize(
    "url",
    [
        *("https://cap.example.vn:443/a.xml", "https://CAP.example.vn/a.xml", "HTTPS://cap.Example.VN./a.xml"),
        *("https://cap.example.vn:/a.xml", " https://cap.example.vn/a b.xml\n", "https://c%61p.example.vn/a.xml"),
    ],
)
def test_same_host_is_recognised_however_it_is_written(url: str) -> None:
    assert same_origin(url, FEED)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://cap.example.vn/a",
            "https://cap.example.vn:8443/a",
            "https://example.vn/a",
            "https://cap.example.vn.x/",
        ),
        *("https://cap.example.vn@x.example/a", "https://x@cap.example.vn/a", "//cap.example.vn/a", "", "https://["),
        *(
            "https://cap.example.vn:99999/",
            "ftp://cap.example.vn/",
            "https://cap.example.vn\\@x.example/",
            "https:///a",
        ),
    ],
)
def test_another_host_is_not_taken_for_the_same(url: str) -> None:
    assert not same_origin(url, FEED)
    assert not same_host(url, FEED)


def test_international_names_and_addresses_have_one_form() -> None:
    assert same_origin("https://caobằng.vn/", f"https://{'caobằng.vn'.encode('idna').decode()}/")
    assert same_origin("https://CAOBẰNG.vn/", "https://caobằng.vn/")
    assert same_origin("https://[::1]/", "https://[0:0:0:0:0:0:0:1]:443/")


def test_http_may_become_https_on_the_same_host_and_not_the_reverse() -> None:
    assert same_host("https://cap.example.vn/a", "http://cap.example.vn/feed")
    assert not same_host("http://cap.example.vn/a", "https://cap.example.vn/feed")
    assert not same_host("https://cap.example.vn:8443/a", "http://cap.example.vn/feed")


@given(st.text(max_size=60))
def test_any_address_has_an_origin_or_none(text: str) -> None:
    for url in (text, f"https://{text}", f"https://cap.example.vn:{text}"):
        found = origin(url)
        assert found is None or found[0] in ("http", "https")
