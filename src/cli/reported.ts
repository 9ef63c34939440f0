/** Thrown by a command that has said what went wrong. */
export class Reported extends Error {}
