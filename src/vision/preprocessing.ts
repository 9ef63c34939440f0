export * from '../runtime/preprocessing.ts';
