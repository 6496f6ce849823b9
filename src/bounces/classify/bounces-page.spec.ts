import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CATEGORIES } from '../../mail/classification.js';
import { bouncesPage } from './bounces-page.js';

describe('docs/bounces.md', () => {
  it('is current; npm run docs writes it', () => {
    const path = join(import.meta.dirname, '../../../docs/bounces.md');
    expect(readFileSync(path, 'utf8')).toBe(bouncesPage());
  });

  it('has a section for each class and each code that means many things', () => {
    const page = bouncesPage();
    for (const title of [...CATEGORIES, '550', '552', '554', '451', '5.7.1'])
      expect(page).toContain(`\n### ${title}\n`);
  });
});
