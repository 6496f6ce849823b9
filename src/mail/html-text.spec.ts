import { describe, expect, it } from '@jest/globals';
import { textOfHtml } from './html-text.js';

describe('textOfHtml', () => {
  it.each([
    ['<p>one<br>two</p><P class="x">three', '\none\ntwo\n\nthree'],
    [
      'a&lt;b@example.com&gt; &amp; &#65;&#x42;&nbsp;c &nope; &#0;',
      'a<b@example.com> & AB c &nope;  '.replace(/ +/g, ' '),
    ],
    ['one<style>p { color: red }</style><!-- <b>no</b> -->two', 'onetwo'],
    ['İİİİ<style>p</style>two', 'İİİİtwo'],
    ['one<script>cut off', 'one'],
    ['<a href="mailto:x@example.com">x@example.com</a>', ' x@example.com '],
    ['<a href="mailto:x@example.com">Xaver</a>', 'Xaver<mailto:x@example.com>'],
    ['Empf&auml;nger &Eacute; &szlig; &rsquo; &valueOf;', 'Empfänger É ß ’ &valueOf;'],
    ['to <anna@example.com>: 5 < 6', 'to <anna@example.com>: 5 < 6'],
  ])('reads %j', (html, text) => {
    expect(textOfHtml(html)).toBe(text);
  });
});
