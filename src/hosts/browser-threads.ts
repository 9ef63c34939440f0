// Pages and their workers. Takes the place of runtime/threads/thread-host.ts.
export { webHost as threadHost } from '../runtime/threads/web.ts';
