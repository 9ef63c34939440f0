// Literal, so that bundlers find the file. scripts/hosts.mjs adds the digest and the relative path to bundles.
import { shippedModel } from './shipped-model.ts';

const locate = () => new URL('./models/imagenet.filigree', import.meta.url);

export default shippedModel('imagenet', 'imagenet', locate, import.meta.integrity);
