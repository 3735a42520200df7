"""Titles, labels and notes that were written to do harm, or by accident."""

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><a href="https://evil.example">press</a>',
    "<!channel> <!here> <@U01ASHA> <#C01|general> <https://evil.example|I have it>",
    "&lt;!channel&gt; & <b>",
    "a\r\nBcc: everybody@example.com\r\n\r\nhello",
    "{{ 7 * 7 }} {% raw %} {{ self.__init__.__globals__ }} {# x #} %s %(x)d ${x}",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m",
    "\u202egnp.exe \u2066hidden\u2069 \u200b\ufeff",
    "null\x00byte and \ud800 half",
    "*bold* _it_ ~no~ `code` ```block```",
    "line\u2028separator\u2029and\x85next\x0b\x0c",
    "x" * 100_000,
    " " * 100_000,
    "<" * 100_000,
    "\u0627\u0644\u062f\u0641\u0639 שלום 支付失败 💥",
    "",
]
