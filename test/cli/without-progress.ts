/** What a command says on stderr, but for its progress: a line every 10 s, which it reaches on a busy machine. */
export const withoutProgress = (stderr: string): string => stderr.replaceAll(/^(?!filigree: ).*\d+\/\d+ .*\n/gm, '');
