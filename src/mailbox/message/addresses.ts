/**
 * Reads address lists, RFC 5322 section 3.4 with the obsolete forms of section 4.4. Nothing is dropped that can be shown:
 * what Dovecot makes of broken addresses is made of them here, its words included, because programs know those.
 */
import { ADDRESSES_MAX } from './header-limit.js';
import { TokenReader, type After } from './token-reader.js';

/** Each a char an octet. A group begins with one that has but the mailbox, its name, and ends with one that has nothing. */
export interface Address {
  readonly name?: string;
  readonly route?: string;
  readonly mailbox?: string;
  readonly domain?: string;
}

/** Each address in a group counts, and the group itself may end beyond `addressesMax`. */
export function readAddresses(text: string, addressesMax = ADDRESSES_MAX): readonly Address[] {
  return new AddressReader(text, addressesMax).read();
}

class AddressReader {
  private readonly addresses: Address[] = [];
  private readonly reader: TokenReader;
  private address: { -readonly [Field in keyof Address]: Address[Field] } = {};

  constructor(
    text: string,
    private readonly addressesMax: number,
  ) {
    this.reader = new TokenReader(text);
  }

  read(): readonly Address[] {
    const { reader } = this;
    let after = reader.skipBlanks();
    while (after === 'more' && this.addresses.length < this.addressesMax) {
      if (this.readGroup() === 'no') this.readMailbox();
      // What follows an address without a comma is not looked at.
      if (!reader.pass(',')) break;
      after = reader.skipBlanks();
      if (after === 'broken') this.addWhole();
    }
    return this.addresses;
  }

  /** `name: mailboxes;` */
  private readGroup(): 'yes' | 'no' {
    const { reader } = this;
    const start = reader.position;
    reader.taken = '';
    if (reader.phrase() !== 'more' || !reader.pass(':')) {
      reader.position = start;
      return 'no';
    }
    this.address = { mailbox: reader.taken };
    let after = reader.skipBlanks();
    this.add();
    if (reader.next !== ';') {
      while (after === 'more' && this.addresses.length < this.addressesMax) {
        this.readMailbox();
        if (!reader.pass(',')) break;
        after = reader.skipBlanks();
      }
    }
    if (after !== 'broken' && reader.pass(';')) reader.skipBlanks();
    this.address = {};
    this.add();
    return 'yes';
  }

  private readMailbox(): void {
    const start = this.reader.position;
    if (!this.readNameAddress()) {
      this.reader.position = start;
      this.readAddressSpec();
    }
    this.addWhole();
  }

  /** `name <address>` */
  private readNameAddress(): boolean {
    const { reader } = this;
    reader.taken = '';
    if (reader.phrase() !== 'more' || reader.next !== '<') return false;
    if (reader.taken !== '') this.address.name = reader.taken;
    if (this.readAngleAddress() === 'broken') this.address.domain = 'SYNTAX_ERROR';
    return true;
  }

  /** `<address>`, RFC 5322 section 4.4: before the address may stand the route to it. */
  private readAngleAddress(): After {
    const { reader } = this;
    reader.position++;
    if (reader.skipBlanks() !== 'more') return 'broken';
    if (reader.next === '@') {
      if (this.readRoute() !== 'more' || !reader.pass(':')) this.address.route = 'INVALID_ROUTE';
      if (reader.skipBlanks() !== 'more') return 'broken';
    }
    if (reader.next !== '>') {
      if (this.readLocalPart() !== 'more') return 'broken';
      if (reader.next === '@' && this.readDomain() !== 'more') return 'broken';
    }
    return reader.pass('>') ? reader.skipBlanks() : 'broken';
  }

  private readRoute(): After {
    const { reader } = this;
    reader.taken = '';
    while (reader.pass('@')) {
      reader.taken += reader.taken === '' ? '@' : ',@';
      const after = reader.domain();
      if (after !== 'more') return after;
      while (reader.skipBlanks() === 'more' && reader.pass(','));
    }
    if (reader.atEnd) return 'end';
    this.address.route = reader.taken;
    return 'more';
  }

  /** `local@domain (name)`, or words that are no address. */
  private readAddressSpec(): void {
    const { reader } = this;
    reader.lastComment = '';
    const isQuoted = reader.next === '"';
    const after = this.readLocalPart();
    const local = reader.taken;
    const hasDomain = after !== 'end' && reader.next === '@';
    if (hasDomain) this.readDomain();
    if (reader.lastComment !== '') this.address.name = reader.lastComment;
    else if (!hasDomain) {
      // A word that stands alone is a mailbox; with others it is a name.
      reader.taken = `${local} `;
      reader.phrase();
      if (reader.taken !== `${local} `) this.address = { name: reader.taken };
      else if (isQuoted && this.address.mailbox !== undefined) this.address = { name: this.address.mailbox };
    }
  }

  private readLocalPart(): After {
    const { reader } = this;
    reader.taken = '';
    const after = reader.next === '"' ? reader.quotedString() : this.readDottedWords();
    if (after !== 'broken') this.address.mailbox = reader.taken;
    return after;
  }

  /** Atoms with dots, any number of these, anywhere. */
  private readDottedWords(): After {
    const { reader } = this;
    let after: After = 'broken';
    do {
      while (reader.pass('.')) {
        reader.taken += '.';
        if (reader.atEnd) return 'end';
        after = 'more';
      }
      if (reader.next === '@') break;
      after = reader.atom();
    } while (after === 'more' && reader.next === '.');
    return after;
  }

  private readDomain(): After {
    const { reader } = this;
    reader.position++;
    reader.taken = '';
    const after = reader.domain();
    if (after !== 'broken') this.address.domain = reader.taken;
    return after;
  }

  private addWhole(): void {
    this.address.mailbox ??= 'MISSING_MAILBOX';
    this.address.domain ??= 'MISSING_DOMAIN';
    this.add();
  }

  private add(): void {
    this.addresses.push(this.address);
    this.address = {};
  }
}
