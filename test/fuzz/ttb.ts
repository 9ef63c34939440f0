import { mkdirSync, writeFileSync } from 'node:fs';
import { bombs } from '../import/bombs.ts';
mkdirSync('/tmp/bombs', { recursive: true });
for (const [i, b] of bombs.entries()) { try { const bytes = b.bytes(); writeFileSync(`/tmp/bombs/${b.format}-${String(i).padStart(2,'0')}`, bytes); console.log(i, b.format, bytes.length, b.name); } catch (e) { console.log(i, b.name, 'BUILD', String(e).slice(0,200)); } }
