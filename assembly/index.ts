export { run } from './program';
export * from './generated/dispatch';
