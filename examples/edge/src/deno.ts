// deno serve --allow-read dist/deno.js
import { createHandler } from './handler.ts';

export default await createHandler(new URL(import.meta.resolve('filigree/models/face-detection.filigree')));
