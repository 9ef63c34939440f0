// Written out in full, so that bundlers find the file. Bundles get the digest and the way from where they lie (scripts/hosts.mjs).
import { shippedModel } from './shipped-model.ts';

const url = new URL('./models/objects.filigree', import.meta.url);

export default shippedModel('objects', 'objects', url, import.meta.integrity);
