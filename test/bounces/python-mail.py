"""Reads mails, one base64 a line, with Python's email package, and prints what it makes of each, one JSON a line."""

import base64
import email
import email.policy
import json
import sys


def defects(part):
    return [type(defect).__name__ for defect in part.defects] + [
        f"{name}: {type(defect).__name__}"
        for name, value in part.items()
        for defect in getattr(value, "defects", [])
    ]


def fields(block):
    return {name.lower(): str(value) for name, value in block.items()}


def status_groups(part):
    if part.get_content_type() == "message/delivery-status":
        return [fields(group) for group in part.get_payload()]
    return []


for line in sys.stdin:
    mail = email.message_from_bytes(base64.b64decode(line), policy=email.policy.SMTPUTF8)
    parts = mail.get_payload() if mail.is_multipart() else []
    report = {
        "defects": [defect for part in mail.walk() for defect in defects(part)],
        "type": mail.get_content_type(),
        "reportType": mail.get_param("report-type"),
        "header": fields(mail),
        "types": [part.get_content_type() for part in parts],
        "text": parts[0].get_content() if parts else "",
        "groups": status_groups(parts[1]) if len(parts) > 1 else [],
    }
    print(json.dumps(report), flush=True)
