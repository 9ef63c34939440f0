// Written out in full, so that bundlers find the file. Bundles get the digest and the way from where they lie (scripts/hosts.mjs).
import { shippedModel } from './shipped-model.ts';

const url = new URL('./models/face-detection.filigree', import.meta.url);

export default shippedModel('faces', 'face-detection', url, import.meta.integrity);
