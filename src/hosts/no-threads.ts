// Edge functions run on one thread. Takes the place of runtime/threads/team.ts.
export const formTeam = async (): Promise<string> => 'edge functions have no threads';
