// deno serve --allow-read dist/deno.js, or the entry point of an app on Deno Deploy
import { createHandler } from './handler.ts';

export default await createHandler('objects');
