// `#threads` for pages and their workers.
export { formTeam } from '../../runtime/threads/team.ts';
export { webHost as threadHost } from '../../runtime/threads/web.ts';
