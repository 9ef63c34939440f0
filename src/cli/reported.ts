/** Thrown by a command that has already reported the error. */
export class Reported extends Error {}
