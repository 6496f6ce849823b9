"""Verifies DKIM signatures with dkimpy, an implementation that Posthorn has no line in common with.

The first line on stdin is a JSON object of DNS names and their TXT records. Each line after it is a message, in base64;
for each one line of JSON is written: {"signatures": [{"verified", "algorithm", "domain", "selector", "why"}], "reread"}, the
topmost signature first.

dkimpy gives up on a header with white space before a colon (RFC 5322 section 4.5) or with a line that is no field,
before it looks at any signature. Such a header is then read for it, and "reread" is true: that white space goes, as it
does in the relaxed form that is signed (RFC 6376 section 3.4.2), and a line that is no field is passed over, as dkimpy
passes over the mbox "From " line. What the signature says is judged by dkimpy alone.
"""

import base64
import json
import re
import sys

import dkim

records = {name: value.encode() for name, value in json.loads(sys.stdin.readline()).items()}


def look_up(name, timeout=5):
    return records.get(name.decode().rstrip("."))


def readable(message):
    header, end, body = message.partition(b"\r\n\r\n")
    fields = [re.match(rb"([\x21-\x7e]+?)[\t ]*(:.*)", field, re.S) for field in re.split(rb"\r\n(?![\t ])", header)]
    return b"\r\n".join(field[1] + field[2] for field in fields if field) + end + body


def judge_one(message, index):
    verifier = dkim.DKIM(message)
    try:
        verified, why = verifier.verify(idx=index, dnsfunc=look_up), ""
    except (dkim.DKIMException, ValueError) as error:
        verified, why = False, str(error)
    algorithm = verifier.signature_fields.get(b"a", b"")
    names = ("algorithm", algorithm), ("domain", verifier.domain), ("selector", verifier.selector)
    return {"verified": verified, "why": why, **{name: bytes(value or b"").decode() for name, value in names}}


def judge(message):
    try:
        headers, reread = dkim.rfc822_parse(message)[0], False
    except dkim.MessageFormatError:
        message, reread = readable(message), True
        headers = dkim.rfc822_parse(message)[0]
    count = sum(name.lower() == b"dkim-signature" for name, _ in headers)
    return {"signatures": [judge_one(message, index) for index in range(count)], "reread": reread}


for line in sys.stdin:
    print(json.dumps(judge(base64.b64decode(line))))
