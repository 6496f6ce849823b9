/** Run by `npm run docs`: writes docs/refusals.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusalsPage } from './refusals-page.js';

writeFileSync(join(import.meta.dirname, '../../docs/refusals.md'), refusalsPage());
