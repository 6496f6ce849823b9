/** The programs that people and scripts read mail with, each in a home of its own, with the settings of docs/mailbox.md. */
import { mkdir, writeFile } from 'node:fs/promises';
import { PYTHON } from '../programs/installed.js';
import type { ReaderHome } from '../programs/reader-home.js';
import type { Ended, RunningProgram } from '../programs/run-program.js';

/** Fetches INBOX and the archive, and brings marks back and forth. */
export async function mbsync(home: ReaderHome, expunge: 'None' | 'Far' = 'None'): Promise<Ended> {
  const { ports, user, password, caFile } = home.reading;
  await mkdir(home.path('mail'), { recursive: true });
  const settings = `
IMAPAccount reports
Host localhost
Port ${String(ports.implicit)}
User ${user}
PassCmd "echo ${password}"
SSLType IMAPS
CertificateFile ${caFile}

IMAPStore reports-far
Account reports

MaildirStore reports-near
Path ${home.path('mail')}/
Inbox ${home.path('mail')}/INBOX
SubFolders Verbatim

Channel reports
Far :reports-far:
Near :reports-near:
Patterns INBOX Archive
Create Near
Sync PullNew PullDelete Flags
Expunge ${expunge}
SyncState *
`;
  return home.run('mbsync', '-V', '-c', await home.settings(settings), '-a');
}

/** Both terminals' readers: reads, searches, marks, waits for a new report after it has said WAITING, and quits. */
export async function startMutt(home: ReaderHome, program: string, subject: string): Promise<RunningProgram> {
  const { ports, user, password, caFile } = home.reading;
  const settings = await home.settings(`
set imap_user="${user}" imap_pass="${password}" folder="imaps://localhost:${String(ports.implicit)}/" spoolfile="+INBOX"
set certificate_file="${caFile}" ssl_force_tls=yes ssl_verify_host=yes header_cache="" imap_idle=yes mail_check=1 timeout=1
set wait_key=no sleep_time=0 quit=yes mark_old=no sort=date confirmappend=no record="" postponed="${home.path('drafts')}"
unset trash
mailboxes +INBOX +Hard +Soft +Blocked +Complaints +Delayed +Archive
`);
  const script = `
set timeout 15
fconfigure stdout -buffering none
proc see {text} {
  expect {
    $text {}
    timeout { puts "NOT SEEN: $text"; exit 1 }
    eof { puts "ENDED BEFORE: $text"; exit 1 }
  }
}
spawn ${program} -n -F ${settings}
see "${subject}"
send "/~s ${subject}\\r\\r"
see "Your mail was not delivered to"
send "q"
see "Not delivered to"
send "F"
send "\\$"
send "l=b \\"Please stop\\"\\r"
see "aus K"
send "lall\\r"
puts "WAITING"
see "New mail in this mailbox"
send "q"
expect eof
lassign [wait] pid spawned os code
exit $code
`;
  await writeFile(home.path('script'), script);
  return home.start('expect', home.path('script'));
}

/** Fetches what was not seen and leaves it there. */
export async function fetchmail(home: ReaderHome, tls: 'implicit' | 'starttls'): Promise<Ended> {
  return home.run('fetchmail', ...(await fetchmailArguments(home, tls)));
}

/** The same, and waits for more. */
export async function startFetchmail(home: ReaderHome): Promise<RunningProgram> {
  return home.start('fetchmail', '--idle', ...(await fetchmailArguments(home, 'implicit')));
}

async function fetchmailArguments(home: ReaderHome, tls: 'implicit' | 'starttls'): Promise<string[]> {
  await mkdir(home.path('fetched'), { recursive: true });
  const { ports, user, password, caFile } = home.reading;
  const trust = `sslproto "TLS1.2+" sslcertck sslcertfile "${caFile}"`;
  const settings = `
set no bouncemail
poll localhost protocol imap port ${String(ports[tls])}
  username "${user}" password "${password}" ${tls === 'implicit' ? 'ssl ' : ''}${trust}
  keep mda "cat >${home.path('fetched')}/$$"
`;
  return ['-v', '-f', await home.settings(settings), '--pidfile', home.path('pid')];
}

/** Brings INBOX and the archive into Maildirs, and marks back. */
export async function offlineimap(home: ReaderHome): Promise<Ended> {
  const { ports, user, password, caFile } = home.reading;
  const settings = `
[general]
accounts = reports
ui = basic
metadata = ${home.path('metadata')}
[Account reports]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = ${home.path('mail')}
[Repository far]
type = IMAP
remotehost = localhost
remoteport = ${String(ports.implicit)}
remoteuser = ${user}
remotepass = ${password}
ssl = yes
sslcacertfile = ${caFile}
folderfilter = lambda name: name in ['INBOX', 'Archive']
`;
  return home.run('offlineimap', '-o', '-c', await home.settings(settings));
}

/** Fetches what it has not fetched before, by uid, and marks nothing. */
export async function getmail(home: ReaderHome): Promise<Ended> {
  const { ports, user, password, caFile } = home.reading;
  for (const name of ['getmail', 'fetched']) await mkdir(home.path(name), { recursive: true });
  const settings = `
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = ${String(ports.implicit)}
username = ${user}
password = ${password}
ca_certs = ${caFile}
mailboxes = ("INBOX",)
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >${home.path('fetched')}/$$")
allow_root_commands = true
[options]
delete = false
read_all = false
verbose = 2
`;
  return home.run('getmail', `--getmaildir=${home.path('getmail')}`, `--rcfile=${await home.settings(settings)}`);
}

/** `path` behind the folder's address: a message, a section, a search. */
export function curl(home: ReaderHome, path: string, ...options: readonly string[]): Promise<Ended> {
  const { ports, user, password, caFile } = home.reading;
  const address = options.includes('--ssl-reqd')
    ? `imap://localhost:${String(ports.starttls)}`
    : `imaps://localhost:${String(ports.implicit)}`;
  const who = ['--cacert', caFile, '--user', `${user}:${password}`];
  return home.run('curl', '--silent', '--show-error', ...who, ...options, `${address}/${path}`);
}

/** Python's own client, by STARTTLS: prints what it is answered, and WAITING when it idles. */
export function startImaplib(home: ReaderHome): RunningProgram {
  const { ports, user, password, caFile } = home.reading;
  return home.start(PYTHON, '-u', '-c', IMAPLIB, String(ports.starttls), caFile, user, password);
}

const IMAPLIB = `
import imaplib, ssl, sys
port, ca, user, password = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
client = imaplib.IMAP4('localhost', int(port))
print('in the clear', 'LOGINDISABLED' in client.capabilities)
client.starttls(trust)
try:
    client.login(user, 'wrong')
except imaplib.IMAP4.error as error:
    print('wrong password', error)
client.authenticate('PLAIN', lambda _: f'\\0{user}\\0{password}'.encode())
print('folders', [line.decode().split()[-1] for line in client.list()[1]], len(client.lsub()[1]))
print('status', client.status('Hard', '(MESSAGES UNSEEN)'))
print('select', client.select('INBOX')[0], client.state)
for charset in (None, 'UTF-8'):
    print('search', charset, client.uid('SEARCH', 'CHARSET', charset, 'SUBJECT', '"full-"') if charset else client.search(None, 'ALL'))
client.literal = 'Grüße'.encode()
found = client.uid('SEARCH', 'CHARSET', 'UTF-8', 'SUBJECT')
print('literal', found)
uid = found[1][0].decode()
structure = client.uid('FETCH', uid, '(BODYSTRUCTURE ENVELOPE INTERNALDATE)')[1][0]
print('structure', b'"note.bin"' in structure, b'"juergen" "example.net"' in structure)
print('part', client.uid('FETCH', uid, '(BODY.PEEK[2]<0.8>)')[1][0][1])
print('store', client.uid('STORE', uid, '+FLAGS', '(\\\\Answered work)'))
print('append', client.append('INBOX', None, None, b'Subject: x\\r\\n\\r\\nx\\r\\n'))
print('create', client.create('Trash'))
tag = client._new_tag()
client.send(tag + b' IDLE\\r\\n')
print('WAITING', client.readline())
line = client.readline()
while b'EXISTS' not in line: line = client.readline()
print('told', line)
client.send(b'DONE\\r\\n')
while not line.startswith(tag): line = client.readline()
print('noop', client.noop()[0], 'check', client.check()[0], 'close', client.close()[0])
print('logout', client.logout()[0])
`;
