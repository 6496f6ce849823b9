import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPlainResponse } from './sasl-plain.js';

const response = (text: string) => readPlainResponse(Buffer.from(text).toString('base64'));

it('gives back any name and password', () => {
  const name = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !text.includes('\0'));
  const password = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(name, password, fc.boolean(), (user, secret, namesItself) => {
      const read = response(`${namesItself ? user : ''}\0${user}\0${secret}`);
      expect(read).toEqual({ kind: 'login', user, password: secret });
    }),
  );
});

it.each(['', 'user', '\0user', 'user\0password', '\0\0password', '\0user\0pass\0word'])('is none: %j', (text) => {
  expect(response(text)).toMatchObject({ kind: 'malformed' });
});

it.each(['=', '?', 'AHVzZXIAcGFzcw=', 'AHVzZXIAcGFzcw===', 'AHVz ZXIAcGFzcw==', '* '])('is no base64: %j', (line) => {
  expect(readPlainResponse(line)).toMatchObject({ kind: 'malformed' });
});

it('can be cancelled', () => {
  expect(readPlainResponse('*')).toEqual({ kind: 'cancelled' });
});

it('lets nobody act as somebody else', () => {
  expect(response('other\0user\0password')).toMatchObject({ kind: 'not_permitted' });
});
