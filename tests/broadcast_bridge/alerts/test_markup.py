import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.alerts.markup import without_markup


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Nước <b>dâng</b>.<br/>Cấp 3 &nbsp;", "Nước dâng. Cấp 3"),
        ("Nước dâng<br>Cấp 3", "Nước dâng. Cấp 3"),
        ("<p>Nước dâng</p>\n<p class='x' id=y>Cấp 3</p>", "Nước dâng. Cấp 3"),
        ("<UL>\n<LI>Lên cao\n<LI>Mang nước</UL>", "Lên cao. Mang nước"),
        ("Lưu ý:<br/>sơ tán", "Lưu ý: sơ tán"),
        ('N<i>ướ</i>c <a href="http://x/?a=1&amp;b=2">lũ</a> <o:p></o:p>', "Nước lũ"),
        ("<!-- ẩn --><style>p {color: red}</style>Lũ<script>x()</script>", "Lũ"),
        ("<![CDATA[Lũ]]>", "Lũ"),
        ("&lt;b&gt;Lũ&lt;/b&gt; &amp;amp; bão", "Lũ & bão"),
        ("L&#361; &#x1EDF; R&D AT&T &unknown; a&notb", "Lũ ở R&D AT&T &unknown; a&notb"),
        ("Mực nước <1 m & đang lên", "Mực nước <1 m & đang lên"),
        ("Gió <cấp 8> giật <cap 10>, x<y>z", "Gió <cấp 8> giật <cap 10>, xz"),
        ("Lũ <b chưa đóng", "Lũ <b chưa đóng"),
        ("<style>không đóng", "không đóng"),
        ("Dòng một\nDòng hai", "Dòng một Dòng hai"),
    ],
)
def test_markup_is_removed_and_words_are_kept(text: str, plain: str) -> None:
    assert " ".join(without_markup(text).split()) == plain


@given(st.text(alphabet=st.characters(exclude_characters="<>&", exclude_categories=["Cs", "Cc"])))
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    assert without_markup(text) == text


@given(st.text(alphabet="<>/&;!-[]brpli \"'=\n", max_size=200))
def test_any_markup_ends(text: str) -> None:
    without_markup(text)


@pytest.mark.parametrize(
    "text", ["<b", "<b a=", "<b a='", "<!--", "<!---->", "&", "&a", "<script>", "</style>", "<p>", "<p>\n", " <br> "]
)
def test_hostile_markup_is_removed_in_time(text: str) -> None:
    without_markup(text * 100_000)
