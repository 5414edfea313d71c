"""Other files than the one that is asked for, with names that spoil what shows them."""

NAMES = (
    b"\xff\xfe\xed\xa0\x80",
    b"::group::x\n::error::y",
    b"\x1b]0;title\x07\x1b[2J",
    "\u202egnp.exe".encode(),
    b"=HYPERLINK(1)",
    b"<script>alert(1)<",
    b"n" * 255,
)
for name in NAMES:
    with open(b"/output/" + name, "w") as file:
        file.write("x")
