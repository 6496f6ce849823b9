/** Run by `npm run docs`: writes docs/bounces.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bouncesPage } from './bounces-page.js';

writeFileSync(join(import.meta.dirname, '../../../docs/bounces.md'), bouncesPage());
