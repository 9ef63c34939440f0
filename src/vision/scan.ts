export * from '../runtime/scan.ts';
