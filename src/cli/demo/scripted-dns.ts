/**
 * The DNS of a small internet on loopback, over UDP and TCP: RFC 1035, RFC 6891 (EDNS), RFC 7766 (TCP). It answers what
 * it was told and NXDOMAIN to everything else, so that no test and no demo ever asks the real DNS.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import dnsPacket, { type DecodedPacket, type OptRecord, type Packet } from 'dns-packet';
import { ScriptedZone, type DnsFailure, type RecordForms, type RecordType } from './scripted-zone.js';

export interface DnsQuery {
  /** As it was asked, without the final dot. */
  readonly name: string;
  readonly type: string;
}

export interface ScriptedDns {
  /** `ip:port`, as `POSTHORN_DNS_SERVERS` and `Resolver.setServers` want it. */
  readonly server: string;
  /** What was asked so far, retries included; the newest 10,000. */
  readonly queries: readonly DnsQuery[];
  /** Replaces the records of one type of a name. Throws where they cannot be put on the wire. */
  set<Type extends RecordType>(name: string, type: Type, records: readonly RecordForms[Type][]): void;
  /** Forgets a name, its records and its failure: it is NXDOMAIN again. */
  delete(name: string): void;
  /** Makes every question for a name fail, until it is deleted. */
  fail(name: string, how: DnsFailure): void;
  close(): Promise<void>;
}

const QUERIES_KEPT_MAX = 10_000;
const TCP_CONNECTIONS_MAX = 64;
const TCP_IDLE_MS = 10_000;
/** RFC 1035 section 4.2.1: without EDNS. */
const UDP_OCTETS_MAX = 512;
/** RFC 9715: what is sure not to be fragmented. */
const EDNS_OCTETS_MAX = 1232;
/** UDP and TCP must share a port; another program may hold the TCP side of the one that UDP was given. */
const BIND_ATTEMPTS_MAX = 20;

const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3 } as const;

/** Starts a DNS server on a free port of a loopback address. */
export async function startDns({ address = '127.0.0.1' }: { address?: string } = {}): Promise<ScriptedDns> {
  const zone = new ScriptedZone();
  const queries: DnsQuery[] = [];
  const connections = new Set<Socket>();
  const answer = (bytes: Buffer): Answer | undefined => answerTo(bytes, zone, queries);

  const { udp, tcp, port } = await bindBoth(address);
  udp.on('error', () => undefined);
  udp.on('message', (bytes, peer) => {
    replyOverUdp(udp, peer, answer(bytes));
  });
  tcp.maxConnections = TCP_CONNECTIONS_MAX;
  tcp.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serveTcp(socket, answer);
  });

  return {
    server: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    queries,
    set: zone.set.bind(zone),
    delete: zone.delete.bind(zone),
    fail: zone.fail.bind(zone),
    close: async () => {
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')]);
      udp.close();
      tcp.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

interface Answer {
  readonly packet: Packet;
  /** Octets that the asker takes in a datagram. */
  readonly udpOctetsMax: number;
}

/** Undefined: no reply, because the bytes are no query or the script says so. */
function answerTo(bytes: Buffer, zone: ScriptedZone, queries: DnsQuery[]): Answer | undefined {
  const query = decodeQuery(bytes);
  if (query === undefined) return undefined;
  const question = query.questions[0];
  const opt = query.additionals.find((record): record is OptRecord => record.type === 'OPT');
  const respond = (rcode: number, answers: Packet['answers'] = []): Answer => ({
    packet: {
      id: query.id,
      type: 'response',
      flags:
        rcode |
        dnsPacket.AUTHORITATIVE_ANSWER |
        dnsPacket.RECURSION_AVAILABLE |
        (query.flag_rd ? dnsPacket.RECURSION_DESIRED : 0),
      questions: query.questions,
      answers,
      // RFC 6891 section 6.1.1: an OPT is answered with an OPT.
      additionals: opt === undefined ? [] : [{ name: '.', type: 'OPT', udpPayloadSize: EDNS_OCTETS_MAX }],
    },
    udpOctetsMax: Math.max(UDP_OCTETS_MAX, Math.min(opt?.udpPayloadSize ?? 0, EDNS_OCTETS_MAX)),
  });
  if (question === undefined || query.questions.length !== 1) return respond(RCODES.FORMERR);
  queries.push({ name: question.name, type: question.type });
  if (queries.length > QUERIES_KEPT_MAX) queries.shift();
  const resolution = zone.resolve(question.name, question.type);
  return resolution.kind === 'timeout' ? undefined : respond(RCODES[resolution.rcode], resolution.answers);
}

function decodeQuery(bytes: Buffer): DecodedPacket | undefined {
  try {
    const packet = dnsPacket.decode(bytes);
    return packet.type === 'query' && packet.opcode === 'QUERY' ? packet : undefined;
  } catch {
    // dns-packet throws for whatever is no DNS; anyone may send a datagram.
    return undefined;
  }
}

function replyOverUdp(udp: UdpSocket, peer: RemoteInfo, answer: Answer | undefined): void {
  if (answer === undefined) return;
  let bytes = dnsPacket.encode(answer.packet);
  if (bytes.length > answer.udpOctetsMax) {
    // RFC 2181 section 9: the asker drops what came and asks again over TCP.
    const flags = (answer.packet.flags ?? 0) | dnsPacket.TRUNCATED_RESPONSE;
    bytes = dnsPacket.encode({ ...answer.packet, flags, answers: [] });
  }
  udp.send(bytes, peer.port, peer.address, () => undefined);
}

function serveTcp(socket: Socket, answer: (bytes: Buffer) => Answer | undefined): void {
  // At most one message (65,537 octets) and one chunk are held: whole messages are taken out at once.
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const reply = answer(pending.subarray(2, end));
      pending = pending.subarray(end);
      if (reply === undefined) continue;
      // RFC 1035 section 4.2.2: two octets of length before each message.
      const bytes = dnsPacket.encode(reply.packet);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      socket.write(Buffer.concat([length, bytes]));
    }
  });
}

async function bindBoth(address: string): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    udp.bind(0, address);
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer();
    try {
      tcp.listen(port, address);
      await once(tcp, 'listening');
      return { udp, tcp, port: (tcp.address() as AddressInfo).port };
    } catch (error) {
      udp.close();
      if (attempt === BIND_ATTEMPTS_MAX) throw error;
    }
  }
}
