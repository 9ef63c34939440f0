// `#threads` for edge functions, which run on one thread.
export const threadHost = async (): Promise<string> => 'edge functions have no threads';
export const formTeam = threadHost;
