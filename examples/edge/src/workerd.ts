// Cloudflare Workers: the model is a module of type data.
import model from 'filigree/models/objects.filigree';
import { createHandler } from './handler.ts';

export default await createHandler(new Uint8Array(model));
