// Literal, so that bundlers find the file. scripts/hosts.mjs adds the digest and the relative path to bundles.
import { shippedModel } from './shipped-model.ts';

const locate = () => new URL('./models/face-detection.filigree', import.meta.url);

export default shippedModel('faces', 'face-detection', locate, import.meta.integrity);
