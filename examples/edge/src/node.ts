// PORT=8080 node dist/node.js
import process from 'node:process';
import { serve } from '@hono/node-server';
import { createHandler } from './handler.ts';

const { fetch } = await createHandler('objects');
const server = serve({ fetch, port: Number(process.env.PORT ?? 8080), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
