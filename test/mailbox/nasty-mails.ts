/** Mails that are broken or strange in one way each: the places where servers read different things. */

const multipart = (body: string, type = 'multipart/mixed; boundary=b'): string =>
  `Mime-Version: 1.0\nContent-Type: ${type}\n\n${body}`;
const withHeader = (header: string): string => `${header}\nSubject: x\n\nbody\n`;
const part = (header: string, body = 'text'): string => `--b\n${header}\n\n${body}\n`;
const nested = (levels: number): string => {
  let mail = '';
  for (let i = 0; i < levels; i++) mail += `Content-Type: multipart/mixed; boundary=b${i}x\n\n--b${i}x\n`;
  return `${mail}\ndeep\n`;
};

const STRUCTURES: Readonly<Record<string, string>> = {
  'nothing at all': '',
  'an empty line': '\n',
  'a header without an end': 'Subject: x',
  'a header line alone': 'Subject: x\n',
  'no header': '\nbody\n',
  'no line end at the end': 'Subject: x\n\nbody',
  'no final boundary': multipart('--b\n\none\n--b\n\ntwo\n'),
  'a boundary as the last line': multipart('--b\n\none\n--b\n'),
  'a boundary as the last octets': multipart('--b\n\none\n--b'),
  'a final boundary as the last octets': multipart('--b\n\none\n--b--'),
  'a final boundary alone': multipart('--b--\n'),
  'preamble and epilogue': multipart('pre\namble\n--b\n\none\n--b--\nepi\nlogue\n'),
  'parts after the final boundary': multipart('--b\n\none\n--b--\n--b\n\ntwo\n--b--\n'),
  'an empty part': multipart('--b\n--b\n\n--b\n\n\n--b--\n'),
  'a part without an empty line': multipart('--b\nContent-Type: text/html\n--b\nContent-Id: <2>\n--b--\n'),
  'a part whose body is a boundary': multipart('--b\nContent-Type: text/html\n\n--b\n\n--b--\n'),
  'a boundary that is not there': multipart('--c\n\none\n--c--\n'),
  'no boundary parameter': multipart('--b\n\none\n--b--\n', 'multipart/mixed'),
  'an empty boundary': multipart('--b\n\none\n--b--\n', 'multipart/mixed; boundary=""'),
  'a boundary with blanks at its end': multipart('--b  \n\none\n--b--  \n'),
  'boundaries that begin alike': multipart(
    '--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\none\n--bb\n\ntwo\n--bb--\n--b\n\nthree\n--b--\n',
  ),
  'an inner boundary that is the beginning of the outer': multipart(
    '--bb\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--bb\n\ntwo\n--bb--\n',
    'multipart/mixed; boundary=bb',
  ),
  'a boundary that ends in dashes': multipart(
    '--b--\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n\ntwo\n--b----\n',
    'multipart/mixed; boundary="b--"',
  ),
  'the same boundary twice': multipart(
    '--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n',
  ),
  'an inner multipart without an end': multipart(
    '--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n',
  ),
  'a long boundary': multipart(
    `--${'l'.repeat(90)}\n\none\n--${'l'.repeat(79)}\n\n--${'l'.repeat(80)}--\n`,
    `multipart/mixed; boundary=${'l'.repeat(90)}`,
  ),
  'a boundary in two pieces': multipart('--bc\n\none\n--bc--\n', 'multipart/mixed; boundary*1=c; boundary*0=b'),
  'a boundary in a folded field': multipart('--b c\n\none\n--b c--\n', 'multipart/mixed;\n\tboundary="b\n c"'),
  'a content type without a type': 'Content-Type: ; boundary=\n\nbody\n',
  'two content types': `Mime-Version: 1.0\nContent-Type: text/html\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n`,
  'a multipart without MIME-Version': 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n',
  'content fields without MIME': 'Content-Id: <x>\nContent-Transfer-Encoding: base64\n\nbody\n',
  'content fields with MIME-Version alone': 'MIME-version:\nContent-Id: <x>\nContent-Transfer-Encoding: base64\n\nb\n',
  'a digest': multipart(
    '--b\n\nSubject: one\n\nbody\n--b\nContent-Type: text/plain\n\ntwo\n--b--\n',
    'multipart/digest; boundary=b',
  ),
  'a digest of nothing': multipart('--b\n\n--b\n--b--\n', 'multipart/Digest; boundary=b'),
  'a message inside': multipart(
    part('Content-Type: message/rfc822', 'From: a@b.example (A B)\nSubject: in\n\nbody\nof it'),
  ),
  'a message that is the mail': 'Content-Type: message/rfc822\n\nSubject: in\nTo: a@b.example\n\nbody\n',
  'a message in a message in a multipart': multipart(
    part(
      'Content-Type: message/rfc822',
      'Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--c--',
    ),
  ),
  'a message of a header alone': multipart(part('Content-Type: message/rfc822', 'Subject: in')),
  'a message of a header with its end': multipart(part('Content-Type: message/rfc822', 'Subject: in\n')),
  'a message of nothing': multipart('--b\nContent-Type: message/rfc822\n\n--b\nContent-Type: message/rfc822\n--b--\n'),
  'a message at the end': multipart('--b\nContent-Type: message/rfc822\n\n'),
  'a message in base64': multipart(
    part('Content-Type: message/rfc822\nContent-Transfer-Encoding: base64', 'U3ViamVjdDogeAoK'),
  ),
  'a multipart in a message that runs into the outer boundary': multipart(
    '--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n',
  ),
  'a message header that runs into the boundary': multipart(
    '--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n--b\n\ntwo\n--b--\n',
  ),
  'a nested multipart that is empty': multipart(part('Content-Type: multipart/mixed; boundary=c', '')),
  'ninety levels': nested(90),
  'a hundred and twenty levels': nested(120),
  'a hundred and twenty messages': 'Content-Type: message/rfc822\n\n'.repeat(120),
  'a digest too deep': nested(98) + '--b97x\nContent-Type: multipart/digest; boundary=z\n\n--z\n\nSubject: x\n\n',
  'two hundred parts': multipart(part('Content-Type: text/plain', 'x').repeat(200)),
  'ten thousand and some parts': multipart('--b\n\n'.repeat(10_100)),
  'NUL in the body': 'Subject: x\n\na\0b\n',
  'bare CR': 'Subject: x\rTo: y\n\na\rb\n',
  'an mbox line': 'From x@y.example Mon Jan 1 00:00:00 2024\nSubject: x\n\nbody\n',
  'lines that are no fields': 'Subject: x\nthis is none\n\tnor this\nTo: a@b.example\n\nbody\n',
  'a first line that goes on': ' goes on\nSubject: x\n\nbody\n',
  'a blank line of spaces': 'Subject: x\n \nTo: a@b.example\n\nbody\n',
  'many fields': `${'X-Many: x\n'.repeat(5_000)}Subject: x\n\nbody\n`,
};

const TYPES = [
  ...['text', 'text/', 'text/plain', 'TEXT/Plain; Charset=US-ASCII', 'text/plain; charset=utf-8', '', ' ', '/plain'],
  ...['multipart', 'multipart/', 'message', 'message/rfc822x', 'message/RFC822', 'message/partial; id=1', 'a/b/c'],
  ...['text/plain charset=x', 'text/plain;', 'text/plain; charset', 'text/plain; charset=', 'text/plain; =x'],
  ...['text/plain; charset="a\\"b\\\\c"', 'text/plain; charset="open', 'text/plain; name=a b.txt; charset=x'],
  ...['text/plain; name="a\n b"', 'text/plain (comment); (c) charset (d) = (e) "x" (f)', 'text/plain; (open'],
  ...['text / plain ; charset = x', 'text/plain; name=a/b; charset=x', 'text/plain; name==?utf-8?Q?x?=; charset=y'],
  ...["text/plain; name*=utf-8''%e4%20b", "text/plain; name*0*=utf-8''a; name*1=b%c; name*2*=%20d"],
  ...['text/plain; name*1=b; name*0=a', 'text/plain; name*1=b; name*2=c', 'text/plain; NAME*0=a; name*1=b'],
  ...["text/plain; name*0=a; name*1*=''b", 'text/plain; name*x=b', 'text/plain; name**=b', 'text/plain; *0=b'],
  ...['text/plain; name*0=a; name*0=b', 'text/plain; name*01=a; name*00=b', 'text/plain; a=1; b*0=2; c=3; a*0=4'],
  ...['text/plain; name="\xc3\xa9t\xc3\xa9.txt"', 'text/plain; name=\xe9.txt', 'text/plain; name="a\0b"'],
  ...['text/plain; name="a\\\nb"', 'text/plain; name=""', 'text/plain; a="1""2"; b=3', 'text/plain; a="1" 2; b=3'],
  ...['text/plain;; charset=x', 'text/plain; charset=x; charset=y', 'text/plain, text/html', 'text/html\n'],
  ...['text/plain; name="\\"\\"\\"\\""', 'text/plain; name="\\"\\"\\"\\"\\""', 'x-\xe9/y', 'application/octet-stream'],
  ...['text/plain; a.b=c.d', 'text/plain; name=a@b; x=y', 'text/plain; name="x" (\\)) ; y=z', '(c) text/(d)plain'],
].map((type) => `Content-Type: ${type}`);

const CONTENT_FIELDS = [
  ...['Content-Disposition: attachment', 'Content-Disposition: attachment; filename="a b"; size=3'],
  ...['Content-Disposition: ;filename=x', 'Content-Disposition:', 'Content-Disposition: "attachment"; filename=x'],
  'Content-Disposition: inline\nContent-Disposition: attachment; filename=x\nContent-Disposition: third',
  'Content-Disposition: attachment;\n filename*0="a";\n filename*1="b"',
  ...['Content-Transfer-Encoding: BASE64', 'Content-Transfer-Encoding: 8bit (c)', 'Content-Transfer-Encoding: 7 bit'],
  ...[
    'Content-Transfer-Encoding: "7bit"',
    'Content-Transfer-Encoding:',
    'Content-Transfer-Encoding: quoted-printable;',
  ],
  'Content-Transfer-Encoding: a b\nContent-Transfer-Encoding: 8bit',
  ...['Content-Id: <a@b>', 'Content-Id:', 'Content-Id:   <a>  \n  <b>', 'Content-Id: <a>\nContent-Id: <b>'],
  ...['Content-Description: "quoted" \\ text', 'Content-Description: \xc3\xa9', 'Content-Description: a\0b'],
  ...[
    'Content-Description: a\n\tb\n  c',
    'Content-Description:\n a',
    'Content-Description: \n a',
    'Content-MD5: Q2hlY2s=',
  ],
  ...['Content-Language: en', 'Content-Language: en, de-DE (c) , fr', 'Content-Language: ', 'Content-Language: en de'],
  ...[
    'Content-Language: en,,de',
    'Content-Language: en (open',
    'Content-Location: http://a/\n b',
    'Content-Location: ',
  ],
].map((field) => `Mime-Version: 1.0\n${field}`);

const ADDRESSES = [
  ...['a@b.example', 'A B <a@b.example>', '"A, B" <a@b.example>', 'a@b.example (A B)', '<a@b.example>', '', ' ', ','],
  ...[
    'a@b.example,',
    ',a@b.example',
    'a@b.example,,c@d.example',
    'a@b.example; c@d.example',
    'a@b.example c@d.example',
  ],
  ...[
    'Group: a@b.example, C <c@d.example>;',
    'Group:;',
    'undisclosed-recipients: ;',
    ': a@b.example;',
    'G: a@b.example',
  ],
  ...['"Quoted G" : <a@b.example> ;, c@d.example', 'G: H: a@b.example;;', 'G:,a@b.example,;', 'G: ; x@y.example'],
  ...[
    '<@r.example:a@b.example>',
    'N <@r.example,@s.example:a@b.example>',
    '<@r.example a@b.example>',
    '<@:a@b.example>',
  ],
  ...['A <>', '<', '<a', '<a@', '<a@b', 'A <a@b.example', 'A <a b@c.example>', 'A <a@b.example> x', 'A <a@b> (c)'],
  ...[
    'a',
    'a b',
    'a b c@d.example',
    '"a"',
    '"a" b',
    '"a b"@c.example',
    '"open',
    'a@',
    '@b.example',
    'a@b@c',
    '.',
    '..',
  ],
  ...['.a@b.example', 'a.@b.example', 'a..b@c.example', 'a . b @ c . example', 'a@b..example', 'a@.b', 'a@b.', 'a @b'],
  ...[
    'a@[1.2.3.4]',
    'a@[1.2',
    'a@[a[b]',
    'a@[a\\]b]',
    'a@[a\n b]',
    'a(c)@(d)b.example(e)',
    '(c) a@b.example',
    'a (b) c',
  ],
  ...['a@b.example ((n)est)', 'a@b.example (es\\)caped)', 'a@b.example (open', 'a@b.example (fo\n lded)', 'a (x) (y)'],
  ...['a@b (x) (y)', 'a@b ()', 'J. Random <a@b.example>', 'J.R.R. T <a@b.example>', '.J <a@b.example>', 'A.B@c <a@b>'],
  ...[
    '=?utf-8?Q?=C3=A9?= <a@b.example>',
    '"=?utf-8?Q?=C3=A9?=" <a@b.example>',
    'A\tB   C <a@b.example>',
    'A\n B <a@b>',
  ],
  ...[
    '"A\n B" <a@b.example>',
    '"A \\"q\\" B" <a@b.example>',
    "'A' <a@b.example>",
    'mailto:a@b.example',
    'a@b.example>',
  ],
  ...['\xc3\x89t\xc3\xa9 <a@b.example>', '\xe9 <a@b.example>', 'l\xc3\xb6@b\xc3\xbc.example', '"a\0b" <a@b.example>'],
  ...['a@b.example (\xc3\xa9)', '[a]@b.example', 'a@b.example, G: x@y.example;, z', '"" <a@b.example>', '"  " <a@b>'],
  ...['"a" "b" <c@d.example>', '"a"b <c@d.example>', 'a"b"c@d.example', '"a".b@c.example', 'a."b"@c.example', 'a:b'],
  ...['\xc3\x89t\xc3\xa9 =?utf-8?Q?=C3=A9?= plain <a@b.example>', '=?utf-8?Q?x?= \xc3\xa9 <a@b.example>', 'a@b\\c'],
].map((addresses) => `To: ${addresses}`);

const ENVELOPE_FIELDS = [
  ...[
    'Subject: \xc3\xa9t\xc3\xa9',
    'Subject: \xe9t\xe9',
    'Subject: "q"',
    'Subject:  a   b\tc  ',
    'Subject:',
    'Subject: a\n  b',
  ],
  ...[
    'Subject: =?utf-8?Q?a?= \xc3\xa9',
    'Subject: a\0b',
    'Subject:\n\n',
    'Subject : spaced',
    'SUBJECT: upper',
    'Subject',
  ],
  ...[
    `Subject: ${'\xc3\xa9'.repeat(200)}`,
    `Subject: ${'long words '.repeat(50)}\xc3\xa9`,
    `Subject: ${'x'.repeat(3_000)}`,
  ],
  ...['Subject: one\nSubject: two', 'Date: Mon, 1 Jan 2024\n 00:00:00 +0000', 'Date: "x"', 'Date:', 'Date: \xc3\xa9'],
  ...[
    'Message-Id: <a@b>\nMessage-ID: <c@d>',
    'Message-Id:\n <a@b>',
    'In-Reply-To: <a>\n <b>\n\t<c>',
    'In-Reply-To: \xe9',
  ],
  ...['From: a@b.example\nFrom: c@d.example', 'From: a@b.example\nSender: c@d.example', 'From: a@b.example\nReply-To:'],
  ...['Sender: a@b.example', 'From: a@b.example\nReply-To: G: ;', 'Cc: a@b.example\nBcc: c@d.example', 'Sub\n ject: x'],
  ...['From:\nSender: a@b.example', 'Subject\n : x', 'Subject: \xf0\x9f\x93\xae \xe2\x82\xac', ': x'],
];

/** By what is strange in them; lines end in CRLF. */
export const NASTY_MAILS: ReadonlyMap<string, Buffer> = new Map(
  [
    ...Object.entries(STRUCTURES),
    ...[...TYPES, ...CONTENT_FIELDS, ...ADDRESSES, ...ENVELOPE_FIELDS].map(
      (header) => [header, withHeader(header)] as const,
    ),
    // A message inside is read by another way than the mail itself.
    ...[...ADDRESSES, ...ENVELOPE_FIELDS].map(
      (header) => [`inside: ${header}`, multipart(part('Content-Type: message/rfc822', withHeader(header)))] as const,
    ),
    ...[...TYPES, ...CONTENT_FIELDS].map((header) => [`part: ${header}`, multipart(part(header))] as const),
  ].map(([name, text]) => [name, Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')]),
);
