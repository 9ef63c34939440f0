/**
 * How long a test waits for a process or a page before it calls it hung, in ms. This does not measure speed: a machine with
 * twenty other programs to run takes minutes for work that else takes seconds.
 */
export const patience = 600_000;
