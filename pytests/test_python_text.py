"""Text in and out is that of `subprocess`.

Covers: root and ordinary user.
"""

import locale
import subprocess

import pytest
from minicontain import PIPE, Container, run


@pytest.mark.parametrize(
    "options",
    [{"text": True}, {"universal_newlines": True}, {"encoding": "utf-8"}, {"errors": "strict"}],
    ids=lambda options: next(iter(options)),
)
def test_each_of_these_makes_streams_text(options):
    done = run(["cat"], input="text", capture_output=True, **options)
    assert (done.stdout, done.stderr) == ("text", "")


def test_text_and_universal_newlines_must_agree():
    with pytest.raises(subprocess.SubprocessError, match="Cannot disambiguate"):
        run(["true"], text=True, universal_newlines=False)
    assert run(["true"], text=True, universal_newlines=True, capture_output=True).stdout == ""


def test_the_default_encoding_is_the_locales():
    encoding = locale.getpreferredencoding(False)
    done = run(["cat"], input="é", capture_output=True, encoding=encoding)
    assert done.stdout == run(["cat"], input="é", capture_output=True, text=True).stdout == "é"


def test_another_encoding():
    done = run(["cat"], input="é", capture_output=True, encoding="utf-16-le")
    assert done.stdout == "é"
    assert run(["cat"], input=done.stdout.encode("utf-16-le"), capture_output=True).stdout == b"\xe9\x00"


def test_every_kind_of_newline_is_read_as_one():
    done = run(["printf", r"a\r\nb\rc\n"], capture_output=True, text=True)
    assert done.stdout == "a\nb\nc\n"
    assert run(["printf", r"a\r\nb\rc\n"], capture_output=True).stdout == b"a\r\nb\rc\n"


def test_what_cannot_be_decoded_is_an_error_or_replaced():
    with pytest.raises(UnicodeDecodeError):
        run(["printf", r"\377"], capture_output=True, encoding="utf-8")
    done = run(["printf", r"\377"], capture_output=True, encoding="utf-8", errors="replace")
    assert done.stdout == "\ufffd"


def test_an_encoding_that_does_not_exist_is_told_before_anything_is_made():
    for options in ({"encoding": "no-such"}, {"encoding": "hex"}, {"errors": "no-such"}):
        with pytest.raises(LookupError):
            run(["true"], **options)
        with pytest.raises(LookupError):
            Container(["true"], stdout=PIPE, **options)


def test_input_of_the_wrong_kind_is_a_type_error():
    with pytest.raises(TypeError, match="bytes-like"):
        run(["cat"], input="text", capture_output=True)
    with pytest.raises(TypeError, match="str"):
        run(["cat"], input=b"bytes", capture_output=True, text=True)


def test_pipes_of_a_container_are_text():
    with Container(["cat"], stdin=PIPE, stdout=PIPE, encoding="latin-1") as container:
        container.stdin.write("é\n")
        container.stdin.flush()
        assert container.stdout.readline() == "é\n"
        assert container.stdout.encoding == "latin-1"


def test_a_line_is_written_at_once_with_line_buffering():
    with Container(["cat"], stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as container:
        container.stdin.write("line\n")
        assert container.stdout.readline() == "line\n"


def test_communicate_gives_text():
    with Container(["cat"], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as container:
        assert container.communicate("a\r\nb") == ("a\nb", "")
    assert container.result.stdout == "a\nb"
