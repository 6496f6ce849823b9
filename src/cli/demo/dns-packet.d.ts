/** The part of dns-packet (which ships no types) that the scripted DNS uses. */
declare module 'dns-packet' {
  export interface Question {
    name: string;
    type: string;
    class?: string;
  }

  export interface ResourceRecord {
    name: string;
    type: string;
    class?: string;
    /** Seconds. */
    ttl?: number;
    data?: unknown;
  }

  export interface OptRecord {
    name: '.';
    type: 'OPT';
    udpPayloadSize: number;
    extendedRcode?: number;
    ednsVersion?: number;
    flags?: number;
    options?: unknown[];
  }

  export interface Packet {
    id?: number;
    type?: 'query' | 'response';
    /** The header's second word without its first bit; the low four bits are the RCODE. */
    flags?: number;
    questions?: Question[];
    answers?: ResourceRecord[];
    authorities?: ResourceRecord[];
    additionals?: (ResourceRecord | OptRecord)[];
  }

  export interface DecodedPacket extends Required<Packet> {
    opcode: string;
    rcode: string;
    flag_tc: boolean;
    flag_rd: boolean;
  }

  const dnsPacket: {
    encode(packet: Packet): Buffer;
    decode(bytes: Buffer): DecodedPacket;
    readonly AUTHORITATIVE_ANSWER: number;
    readonly TRUNCATED_RESPONSE: number;
    readonly RECURSION_DESIRED: number;
    readonly RECURSION_AVAILABLE: number;
  };
  export default dnsPacket;
}
